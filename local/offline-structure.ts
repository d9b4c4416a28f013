type Schema = Readonly<Record<string, unknown>>;

/** Returns a value that matches a JSON Schema, for common keywords. Texts quote the message to show that it arrived. */
export function sampleOf(schema: unknown, message: string): unknown {
  if (!isSchema(schema)) return null;
  const [choice] = [schema['anyOf'], schema['oneOf']].flatMap((choices) => (Array.isArray(choices) ? choices : []));
  if (choice !== undefined) return sampleOf(choice, message);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type) {
    case 'object': {
      const properties = isSchema(schema['properties']) ? schema['properties'] : {};
      return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, sampleOf(inner, message)]));
    }
    case 'array':
      return [sampleOf(schema['items'], message)];
    case 'string':
      return message.slice(0, typeof schema['maxLength'] === 'number' ? schema['maxLength'] : 60);
    case 'number':
    case 'integer':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

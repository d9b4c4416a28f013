/** A recorded message of the protocol between host and worker. */
export type ProtocolMessage = Readonly<Record<string, unknown>>;

// The recorder wrote these names of `oneof` cases next to the field.
const marks = new Set(['data', 'rpcData', 'enableContentNegotiation']);
// HTTP fields that a host with these capabilities leaves at their defaults, or that functions cannot see.
const unusedHttpFields = ['identities', 'cookies', 'params', 'query', 'rawBody'];

/** A message without empty fields and without values that differ on each run. */
export function comparableMessage(message: unknown): unknown {
  if (typeof message === 'string') return withoutIncidentals(message);
  if (Array.isArray(message)) return message.map(comparableMessage);
  if (typeof message !== 'object' || message === null) return message;
  if ('bytes' in message) return { bytes: withoutIncidentals(readBytes(message.bytes)) };
  if ('json' in message) return { json: comparableMessage(JSON.parse(String(message.json))) };
  if ('value' in message) return { value: message.value };
  const entries = Object.entries(message).filter(([name, value]) => {
    if (marks.has(name) && typeof value !== 'object') return false;
    if (unusedHttpFields.includes(name)) return false;
    return !(name === 'headers' && isEmpty(value)) && !(name === 'statusCode' && value === '');
  });
  return Object.fromEntries(entries.map(([name, value]) => [name, comparableMessage(value)]));
}

/** Converts bytes in any of the recorded representations to text. */
export function readBytes(bytes: unknown): string {
  if (typeof bytes === 'string') return bytes;
  const { buffer, ...byIndex } = bytes as { readonly buffer?: string } & Readonly<Record<string, number | string>>;
  return buffer ?? Buffer.from(Object.values(byIndex).map(Number)).toString();
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function withoutIncidentals(text: string): string {
  return text
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<id>')
    .replaceAll(/\b\d{13}\b/g, '<time>')
    .replaceAll(/hello from node v[\d.]+/g, 'hello from node <version>');
}

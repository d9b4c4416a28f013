import { z } from 'zod';
import { type ComponentName, components } from './answer-components.js';
import { type Operation, operations } from './operations.js';

type Json = Readonly<Record<string, unknown>>;

const SCHEMAS = '#/components/schemas/';

/**
 * Describes the API in OpenAPI 3.1, from the schemas of requests and answers.
 *
 * @param agentNames the agents that can be called
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function createOpenApiDocument(agentNames: readonly string[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    (paths[operation.path] ??= {})[operation.method] = toOperation(operation, agentNames);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Durable agents with live callback telemetry',
      version: '1',
      description: 'Objects may get further keys. Paged answers have the headers x-has-more and x-next-cursor.',
    },
    servers: [{ url: '/api' }],
    security: [{ keyHeader: [] }, { keyParameter: [] }, {}],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        keyHeader: { type: 'apiKey', in: 'header', name: 'x-functions-key' },
        keyParameter: { type: 'apiKey', in: 'query', name: 'code' },
      },
    },
  };
}

function toOperation(
  { id, summary, path, query, body, answers, errors }: Operation,
  agentNames: readonly string[],
): Json {
  const parameters = [...pathParameters(path, agentNames), ...(query === undefined ? [] : queryParameters(query))];
  const described = Object.entries(answers).map(([status, answer]) => [status, toResponse(answer)] as const);
  const failed = errors.map((status) => [String(status), toResponse({ json: 'Error' })] as const);
  return {
    operationId: id,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: jsonContent(body) } }),
    responses: Object.fromEntries([...described, ...failed]),
  };
}

function toResponse(answer: Operation['answers'][number]): Json {
  if (answer === 'empty') return { description: 'No body.' };
  if ('json' in answer) return { description: answer.json, content: jsonContent(answer.json) };
  const content = answer.mediaTypes.map((mediaType) => [mediaType, { schema: {} }] as const);
  return { description: answer.mediaTypes.join(' or '), content: Object.fromEntries(content) };
}

function jsonContent(name: ComponentName): Json {
  return { 'application/json': { schema: { $ref: SCHEMAS + name } } };
}

function pathParameters(path: string, agentNames: readonly string[]): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', ...(name === 'agentName' && { enum: agentNames }) },
  }));
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {} } = toJsonSchema(query);
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function componentSchemas(): Json {
  const named = Object.entries(components).map(([name, schema]) => {
    const { $schema: _, ...described } = toJsonSchema(schema);
    return [name, described] as const;
  });
  return Object.fromEntries(named);
}

/** Describes the input of the schema, which is what clients send. */
function toJsonSchema(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}

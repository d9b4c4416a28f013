import type { TypedData } from './functions-core.js';
import type { RouteParameters } from './route-template.js';
import { readQuery, type HostRequest } from './server-quirks.js';

/**
 * Creates the binding data of an HTTP trigger: JSON properties of the body, query parameters, route parameters, `Query`
 * and `Headers`. Later ones replace earlier ones, except the last two. Names are case-insensitive and keep the case of
 * their first occurrence. Streaming functions get their `params` and headers from here.
 *
 * @param parameterNames - all parameters of the route, including those that the path omits
 */
export function createTriggerMetadata(
  request: HostRequest,
  parameters: RouteParameters,
  parameterNames: readonly string[],
  body: Uint8Array,
): Record<string, TypedData> {
  const names = new Map<string, string>();
  const values = new Map<string, TypedData | undefined>();
  const set = (name: string, value: TypedData | undefined): void => {
    const key = name.toLowerCase();
    names.set(key, names.get(key) ?? name);
    values.set(key, value);
  };
  const query = request.query.map(({ name }) => [name, readQuery(request.query, name) ?? ''] as const);

  for (const [name, value] of readJsonProperties(body)) set(name, { string: value });
  for (const [name, value] of query) {
    // The function key is not binding data.
    if (name.toLowerCase() !== 'code') set(name, { string: value });
  }
  for (const name of parameterNames) {
    const value = parameters[name];
    set(name, value === undefined ? undefined : { string: value });
  }
  if (!values.has('query')) set('Query', { json: JSON.stringify(Object.fromEntries(query)) });
  if (!values.has('headers')) set('Headers', { json: JSON.stringify(Object.fromEntries(headersAsSent(request))) });

  const metadata: Record<string, TypedData> = {};
  for (const [key, value] of values) {
    if (value !== undefined) metadata[names.get(key) ?? key] = value;
  }
  return metadata;
}

function headersAsSent({ headerList, headers }: HostRequest): Map<string, string> {
  return new Map(headerList.map(([name]) => [name, headers.get(name.toLowerCase()) ?? '']));
}

/** Returns the top-level scalar properties of a JSON object, as text in .NET's format. */
function readJsonProperties(body: Uint8Array): [name: string, value: string][] {
  const firstByte = body.find((byte) => byte > 0x20);
  const isMaybeObject = firstByte === 0x7b || firstByte === 0xef;
  if (!isMaybeObject) return [];
  const text = new TextDecoder().decode(body).trim();
  if (!text.startsWith('{') || !text.endsWith('}')) return [];
  return Object.entries(parseObject(text)).flatMap(([name, value]): [string, string][] => {
    if (value === null || typeof value === 'object') return [];
    if (typeof value === 'boolean') return [[name, value ? 'True' : 'False']];
    return [[name, String(value)]];
  });
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return Object(value);
  } catch (error) {
    // A body that is not JSON has no properties. The function gets it unchanged.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

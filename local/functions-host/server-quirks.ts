import type { IncomingMessage } from 'node:http';

// What Kestrel, the server of the real host, does with requests before routing, with its default limits:
// https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options
const maxRequestLineBytes = 8 * 1024;
const maxHeaderBytes = 32 * 1024;
const maxHeaderCount = 100;
const methodsWithBody = new Set(['POST', 'PUT']);

/** A request as the real host's server passes it on. */
export interface HostRequest {
  readonly method: string;
  /** Decoded once, without dot segments. `%2F` and escapes that are not UTF-8 stay encoded. */
  readonly path: string;
  /** Unchanged, including the question mark. Empty without one. */
  readonly queryText: string;
  readonly query: Query;
  /** Values by lower-case name. Repeated headers are joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names and values, unchanged and in order. */
  readonly headerList: readonly (readonly [name: string, value: string])[];
  /** Undefined if the request does not declare a length. */
  readonly contentLength: number | undefined;
  readonly message: IncomingMessage;
}

/** Query parameters in order of first use. Names are case-insensitive. */
export type Query = readonly { readonly name: string; readonly values: readonly string[] }[];

/** Reads a request like Kestrel, or returns the status with which Kestrel rejects it. */
export function readRequest(message: IncomingMessage): HostRequest | number {
  const { method = '', url = '', httpVersion, rawHeaders } = message;
  // Node's parser returns Latin-1 text, in which each character is one byte.
  if (`${method} ${url} HTTP/1.1\r\n`.length > maxRequestLineBytes) return 414;
  if (rawHeaders.length / 2 > maxHeaderCount || countHeaderBytes(rawHeaders) > maxHeaderBytes) return 431;
  if (httpVersion === '0.9' || /[^\x21-\x7E]/.test(url)) return 400;

  const headerList: [string, string][] = [];
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = decodeUtf8(Buffer.from(rawHeaders[index + 1] ?? '', 'latin1'));
    if (value === undefined) return 400;
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    if (key === 'host' && earlier !== undefined) return 400;
    headers.set(key, earlier === undefined ? value : `${earlier},${value}`);
    headerList.push([name, value]);
  }
  const host = headers.get('host');
  if (httpVersion === '1.1' && host === undefined) return 400;
  if (host !== undefined && !/^(?:\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d+)?$/.test(host)) return 400;

  const target = readTarget(url, host);
  const path = target === undefined ? undefined : decodePath(target.path);
  if (target === undefined || path === undefined) return method === 'OPTIONS' && url === '*' ? 404 : 400;
  const length = headers.get('content-length');
  if (httpVersion === '1.0' && length === undefined && methodsWithBody.has(method)) return 400;
  return {
    method,
    path: removeDotSegments(path),
    queryText: target.queryText,
    query: parseQuery(target.queryText),
    headers,
    headerList,
    contentLength: length === undefined ? undefined : Number(length),
    message,
  };
}

function countHeaderBytes(rawHeaders: readonly string[]): number {
  const lineOverhead = ': \r\n'.length;
  const endOfHeaders = 2;
  return rawHeaders.reduce((sum, text) => sum + text.length + lineOverhead / 2, endOfHeaders);
}

function readTarget(url: string, host: string | undefined): { path: string; queryText: string } | undefined {
  const absolute = /^https?:\/\/(?<authority>[^/?]*)(?<rest>.*)$/i.exec(url)?.groups;
  if (absolute !== undefined && absolute['authority'] !== host) return undefined;
  const text = absolute === undefined ? url : absolute['rest'] || '/';
  if (!text.startsWith('/')) return undefined;
  const mark = text.indexOf('?');
  return mark < 0 ? { path: text, queryText: '' } : { path: text.slice(0, mark), queryText: text.slice(mark) };
}

/** Decodes the escapes of a path. @returns undefined for a path with NUL, which the server rejects */
export function decodePath(path: string): string | undefined {
  return path.includes('%00') ? undefined : decodeEscapes(path, (byte) => byte !== 0x2f);
}

/**
 * Decodes `%XX` escapes that are well-formed UTF-8 and leaves all others unchanged.
 *
 * @param isDecoded - whether to decode an escape of this byte
 */
function decodeEscapes(text: string, isDecoded: (byte: number) => boolean): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => {
    let decoded = '';
    for (let index = 0; index < run.length;) {
      const byte = Number.parseInt(run.slice(index + 1, index + 3), 16);
      const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      const escapes = run.slice(index, index + 3 * length);
      const character = isDecoded(byte) ? decodeUtf8(Buffer.from(escapes.replaceAll('%', ''), 'hex')) : undefined;
      decoded += character ?? run.slice(index, index + 3);
      index += character === undefined ? 3 : 3 * length;
    }
    return decoded;
  });
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/** Applies `.` and `..` segments of a decoded path (RFC 3986, 5.2.4). */
function removeDotSegments(path: string): string {
  const segments = path.split('/').slice(1);
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (isLast && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function parseQuery(queryText: string): Query {
  const parameters = new Map<string, { name: string; values: string[] }>();
  for (const pair of queryText.slice(1).split('&').filter(Boolean)) {
    const sign = pair.indexOf('=');
    const decode = (text: string): string => decodeEscapes(text.replaceAll('+', ' '), () => true);
    const name = decode(sign < 0 ? pair : pair.slice(0, sign));
    const value = sign < 0 ? '' : decode(pair.slice(sign + 1));
    const earlier = parameters.get(name.toLowerCase());
    if (earlier === undefined) parameters.set(name.toLowerCase(), { name, values: [value] });
    else earlier.values.push(value);
  }
  return [...parameters.values()];
}

/** Returns the last value of a query parameter, or undefined. */
export function readQuery(query: Query, name: string): string | undefined {
  return query.find((parameter) => parameter.name.toLowerCase() === name.toLowerCase())?.values.at(-1);
}

/** Returns path and query as a URL for a buffered function. Keeps remaining escapes in the path. */
export function encodeUrlForFunction({ path, queryText }: Pick<HostRequest, 'path' | 'queryText'>): string {
  return encodePath(path, true) + queryText.replaceAll('#', '%23');
}

/**
 * Returns path and query for a streaming function: encodes remaining percent signs in the path again, and converts the
 * query to the canonical form of .NET's `Uri`.
 */
export function encodeUrlForForwarding({ path, queryText }: Pick<HostRequest, 'path' | 'queryText'>): string {
  const query = queryText
    .replace(/#|%(?![\da-f]{2})|[^\w\-.~:/?[\]@!$&'()*+,;=%]/gi, encodeURIComponent)
    .replace(/%(?:2[de]|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/gi, decodeURIComponent);
  return encodePath(path, false) + query;
}

function encodePath(path: string, areEscapesKept: boolean): string {
  return path.replace(/%(?:[\da-f]{2})?|[^\w!$&'()*+,\-./:;=@~%]+/gi, (text) => {
    if (!text.startsWith('%')) return encodeUtf8(text);
    return areEscapesKept && text.length > 1 ? text : `%25${text.slice(1)}`;
  });
}

function encodeUtf8(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** Returns the server's reason phrase for a status, or an empty string. */
export function reasonPhrase(status: number, standardPhrases: Readonly<Record<number, string | undefined>>): string {
  return differingPhrases[status] ?? standardPhrases[status] ?? '';
}

const differingPhrases: Readonly<Record<number, string>> = {
  306: 'Switch Proxy',
  418: "I'm a teapot",
  419: 'Authentication Timeout',
  425: '',
  499: 'Client Closed Request',
  509: '',
};

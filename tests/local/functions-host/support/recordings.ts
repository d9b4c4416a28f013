import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fixtureFolder } from './host-process.js';
import type { RawAnswer, RawRequest } from './raw-http.js';

/** One exchange with a real Functions host. */
export interface RecordedExchange {
  readonly request: {
    readonly line: string;
    readonly headers: Readonly<Record<string, string | number>>;
    readonly body: string | null;
    readonly bodyBase64?: string;
    /** The length of a body that was not stored. */
    readonly bodyBytes?: number;
  };
  readonly response: {
    /** Null if there was no response. */
    readonly statusLine: string | null;
    readonly headers: readonly string[];
    readonly body: string | null;
  };
}

/** The compared parts of a response. */
export interface ComparableAnswer {
  readonly statusLine: string;
  /** How the response declares the length of its body. */
  readonly framing: 'chunked' | 'length' | 'none';
  /** By lower-case name, without headers that depend on connection or date. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const incompleteMark = '<<INCOMPLETE CHUNKED>>';
const incidentalHeaders = new Set([
  'date',
  'server',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
]);

export async function readRecording<Content>(name: string): Promise<Content> {
  return JSON.parse(await readFile(path.join(fixtureFolder('recordings'), `${name}.json`), 'utf8')) as Content;
}

export function toRawRequest({ request }: RecordedExchange, systemKey: string): RawRequest {
  const line = request.line.replaceAll('<SYSTEM_KEY>', systemKey);
  const { headers, body, bodyBase64, bodyBytes } = request;
  if (bodyBytes !== undefined) return { line, headers, body: Buffer.alloc(bodyBytes, 'x') };
  if (bodyBase64 !== undefined) return { line, headers, body: Buffer.from(bodyBase64, 'base64') };
  return { line, headers, ...(body === null ? {} : { body }) };
}

/** The recorded response without values that differ on each run. Undefined if there was none. */
export function expectedAnswer({ response }: RecordedExchange): ComparableAnswer | undefined {
  if (response.statusLine === null) return undefined;
  const headers = response.headers.map((text) => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
  });
  return comparable(response.statusLine, headers, response.body ?? '');
}

/** The actual response without values that differ on each run. */
export function actualAnswer(answer: RawAnswer | undefined): ComparableAnswer | undefined {
  if (answer === undefined) return undefined;
  return comparable(answer.statusLine, answer.headers, answer.body + (answer.isCut ? incompleteMark : ''));
}

function comparable(
  statusLine: string,
  headers: readonly (readonly [name: string, value: string])[],
  body: string,
): ComparableAnswer {
  const byName = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  const framing = byName.has('transfer-encoding') ? 'chunked' : byName.has('content-length') ? 'length' : 'none';
  const kept = [...byName].filter(([name]) => !incidentalHeaders.has(name));
  return {
    statusLine: statusLine.trimEnd(),
    framing,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, name === 'x-ms-invocation-id' ? '<id>' : value])),
    body: withoutIncidentals(body, byName.get('content-type')),
  };
}

function withoutIncidentals(body: string, contentType: string | undefined): string {
  // The HTML page of the host is not compared.
  if (contentType === 'text/html') return '<landing page>';
  return body
    .replaceAll(/"invocationId":"[\da-f-]{36}"/g, '"invocationId":"<id>"')
    .replaceAll(/"lastOperationTime":"[^"]*Z"/g, '"lastOperationTime":"<time>"')
    .replaceAll(/"ms":\d+/g, '"ms":<ms>')
    .replaceAll(/\b\d{13}\b/g, '<time>')
    .replaceAll(/"stack":"((?:[^"\\]|\\[^n])*)(?:[^"\\]|\\.)*"/g, '"stack":"$1<stack>"')
    .replaceAll(/hello from node v[\d.]+/g, 'hello from node <version>');
}

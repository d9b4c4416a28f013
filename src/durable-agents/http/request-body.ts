import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';

const MAX_BODY_BYTES = 1024 * 1024;

/** Content types that do not describe the body. */
const UNDECLARED_TYPES = ['', 'application/x-www-form-urlencoded'];

const jsonObject = z.record(z.string(), z.unknown());

/** A parsed body whose fields are not validated yet. */
export type RequestBody =
  | { readonly kind: 'json'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'text'; readonly text: string };

/**
 * Reads the body: a JSON object, or trimmed UTF-8 text. Without a content type, or with that of a form (as `curl -d`
 * sends), a JSON object with a `message` counts as JSON, too.
 *
 * @throws HttpError 400 if it is neither, 413 above 1 MiB, 415 if it is compressed or has several parts
 */
export async function readRequestBody(request: HttpRequest): Promise<RequestBody> {
  // A header that was sent twice arrives as a list.
  const mediaType = (request.headers.get('content-type') ?? '').split(/[;,]/, 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType.startsWith('multipart/')) {
    throw new HttpError(415, 'Invalid request body: expected JSON or text, not a multipart form.');
  }
  const text = decode(await readBytes(request));
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) {
    return { kind: 'json', fields: parseObject(text) };
  }
  const fields = UNDECLARED_TYPES.includes(mediaType) ? runFieldsOf(text) : undefined;
  return fields === undefined ? { kind: 'text', text: text.trim() } : { kind: 'json', fields };
}

/**
 * Reads a body that must be a JSON object, with any content type.
 *
 * @throws HttpError 400 if it is not, 413 above 1 MiB, 415 if it is compressed
 */
export async function readJsonBody(request: HttpRequest): Promise<Readonly<Record<string, unknown>>> {
  return parseObject(decode(await readBytes(request)));
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const object = jsonObject.safeParse(parseJson(text));
  if (!object.success) throw new HttpError(400, 'Invalid JSON payload. Expected an object.');
  return object.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, 'Invalid JSON', { cause: error });
  }
}

/** Returns the fields of a text that is a JSON object with a `message`; otherwise undefined. */
function runFieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const { data } = jsonObject.safeParse(JSON.parse(text));
    return data !== undefined && Object.hasOwn(data, 'message') ? data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readBytes(request: HttpRequest): Promise<Buffer> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') {
    throw new HttpError(415, 'Invalid request body: expected it without compression (content-encoding).');
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) {
      throw new HttpError(413, `The request body is too large: expected at most ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpError(400, 'Invalid request body: expected UTF-8.', { cause: error });
  }
}

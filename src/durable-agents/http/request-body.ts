import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';

const MAX_BODY_BYTES = 1024 * 1024;

const jsonObject = z.record(z.string(), z.unknown());

/** A body, as far as it is understood before its fields are. */
export type RequestBody =
  | { readonly kind: 'json'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'text'; readonly text: string };

/** Whether the body is JSON, by `Content-Type`: `application/json`, or a type that ends in `+json`. */
function hasJsonBody(request: HttpRequest): boolean {
  const mediaType = (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}

/**
 * Reads the body: a JSON object, or UTF-8 text, trimmed.
 *
 * @throws HttpError 400 when it is neither, 413 above 1 MiB
 */
export async function readRequestBody(request: HttpRequest): Promise<RequestBody> {
  const isJson = hasJsonBody(request);
  const text = decode(await readBytes(request), isJson);
  if (!isJson) return { kind: 'text', text: text.trim() };
  const object = jsonObject.safeParse(parseJson(text));
  if (!object.success) throw new HttpError(400, 'Invalid JSON payload. Expected an object.');
  return { kind: 'json', fields: object.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, 'Invalid JSON', { cause: error });
  }
}

async function readBytes(request: HttpRequest): Promise<Buffer> {
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

function decode(bytes: Buffer, isJson: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpError(400, isJson ? 'Invalid JSON' : 'Invalid text: expected UTF-8', { cause: error });
  }
}

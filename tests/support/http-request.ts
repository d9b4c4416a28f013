import { HttpRequest } from '@azure/functions';

export interface RequestParts {
  readonly method?: string;
  /** Sent as JSON, with that content type unless `headers` has another. */
  readonly json?: unknown;
  /** Sent as it is; without a content type unless `headers` has one. */
  readonly body?: string | Uint8Array;
  /** Given beside the `host` header that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** With its question mark. */
  readonly query?: string;
}

/** A request as a function gets it from the host. */
export function httpRequest({ method = 'POST', json, body, headers = {}, query = '' }: RequestParts): HttpRequest {
  const isJson = json !== undefined;
  const bytes = Buffer.from(isJson ? JSON.stringify(json) : (body ?? ''));
  return new HttpRequest({
    method,
    url: `http://localhost:7071/api/agents/CallbackAgent/run${query}`,
    headers: { host: 'localhost:7071', ...(isJson && { 'content-type': 'application/json' }), ...headers },
    ...(bytes.length > 0 && { body: { bytes } }),
  });
}

import { HttpRequest } from '@azure/functions';

export interface RequestParts {
  readonly method?: string;
  /** Sent as JSON, with that content type unless `headers` contain another. */
  readonly json?: unknown;
  /** Sent unchanged, without a content type unless `headers` contain one. */
  readonly body?: string | Uint8Array;
  /** Added to the `host` header of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Includes the question mark. */
  readonly query?: string;
}

/** A request as the host passes it to a function. */
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

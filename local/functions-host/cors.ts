import type { ServerResponse } from 'node:http';
import type { HostRequest } from './server-quirks.js';

/** `Host.CORS` and `Host.CORSCredentials` of local.settings.json. */
export interface CorsOptions {
  /** Origins that may read responses, or `*` for all. */
  readonly origins: readonly string[];
  /** Whether they may send credentials. */
  readonly credentials: boolean;
}

/**
 * Sets the CORS headers of a response, and answers preflight requests, which do not reach functions.
 *
 * @returns whether the request was answered
 */
export function applyCors(request: HostRequest, response: ServerResponse, cors: CorsOptions | undefined): boolean {
  const origin = request.headers.get('origin');
  if (cors === undefined || origin === undefined) return false;
  const isAnswered = isPreflight(request);
  if (isAllowedOrigin(cors, origin)) {
    const isOpenToAll = cors.origins.includes('*') && !cors.credentials;
    response.setHeader('Access-Control-Allow-Origin', isOpenToAll ? '*' : origin);
    if (!isOpenToAll) response.setHeader('Vary', 'Origin');
    if (cors.credentials) response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (isAnswered) {
      response.setHeader('Access-Control-Allow-Methods', request.headers.get('access-control-request-method') ?? '');
      const requestedHeaders = request.headers.get('access-control-request-headers');
      if (requestedHeaders !== undefined) response.setHeader('Access-Control-Allow-Headers', requestedHeaders);
    }
  }
  if (isAnswered) response.writeHead(204).end();
  return isAnswered;
}

/** Returns whether a request is a CORS preflight. */
export function isPreflight({ method, headers }: HostRequest): boolean {
  return method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method');
}

/** Returns whether pages from an origin may call the app. `undefined` means an unknown origin. */
export function isAllowedOrigin(cors: CorsOptions | undefined, origin: string | undefined): boolean {
  if (cors === undefined) return false;
  return cors.origins.includes('*') || (origin !== undefined && cors.origins.includes(origin));
}

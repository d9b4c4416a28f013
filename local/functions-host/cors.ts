import type { ServerResponse } from 'node:http';
import type { HostRequest } from './server-quirks.js';

/** `Host.CORS` and `Host.CORSCredentials` of local.settings.json. */
export interface CorsOptions {
  /** Origins that may read answers, or `*` for all. */
  readonly origins: readonly string[];
  /** Whether they may send credentials. */
  readonly credentials: boolean;
}

/**
 * Sets the CORS headers of an answer.
 *
 * @returns whether the request was a preflight, which is thereby answered and reaches no function.
 */
export function applyCors(request: HostRequest, response: ServerResponse, cors: CorsOptions | undefined): boolean {
  const origin = request.headers.get('origin');
  if (cors === undefined || origin === undefined) return false;
  const requestedMethod = request.headers.get('access-control-request-method');
  const isPreflight = request.method === 'OPTIONS' && requestedMethod !== undefined;
  const isOpenToAll = cors.origins.includes('*') && !cors.credentials;
  if (isOpenToAll || cors.origins.includes('*') || cors.origins.includes(origin)) {
    response.setHeader('Access-Control-Allow-Origin', isOpenToAll ? '*' : origin);
    if (!isOpenToAll) response.setHeader('Vary', 'Origin');
    if (cors.credentials) response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (isPreflight) {
      response.setHeader('Access-Control-Allow-Methods', requestedMethod);
      const requestedHeaders = request.headers.get('access-control-request-headers');
      if (requestedHeaders !== undefined) response.setHeader('Access-Control-Allow-Headers', requestedHeaders);
    }
  }
  if (isPreflight) response.writeHead(204).end();
  return isPreflight;
}

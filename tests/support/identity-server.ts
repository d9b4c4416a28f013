import { createServer } from 'node:http';
import { vi } from 'vitest';
import { listenForTest } from './listen-for-test.js';

export interface IdentityServer {
  /** The token requests, oldest first. */
  readonly requests: readonly { readonly resource: string | null; readonly clientId: string | null }[];
  /** Environment variables that point a process to the server. */
  readonly environment: Readonly<Record<'IDENTITY_ENDPOINT' | 'IDENTITY_HEADER' | 'AZURE_CLIENT_ID', string>>;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

const HEADER = 'header-of-the-host';

/**
 * Serves managed identity tokens with the protocol of the Functions host.
 *
 * @param issue creates the token for the request with this number, from 1
 */
export async function serveIdentityForTest(
  clientId: string,
  issue: (count: number) => IssuedToken,
): Promise<IdentityServer> {
  const requests: { resource: string | null; clientId: string | null }[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (request.headers['x-identity-header'] !== HEADER) return void response.writeHead(401).end();
    requests.push({ resource: searchParams.get('resource'), clientId: searchParams.get('client_id') });
    const { token, expiresInSeconds } = issue(requests.length);
    response.setHeader('content-type', 'application/json');
    const expiresOn = Math.floor(Date.now() / 1000) + expiresInSeconds;
    return void response.end(JSON.stringify({ access_token: token, expires_on: String(expiresOn) }));
  });
  const url = `${await listenForTest(server)}/msi/token`;
  return { requests, environment: { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: HEADER, AZURE_CLIENT_ID: clientId } };
}

/** Points this process to the server. `@azure/identity` keeps the first server of a process: start one per test file. */
export async function startIdentityServerForTest(
  clientId: string,
  issue: (count: number) => IssuedToken,
): Promise<IdentityServer> {
  const server = await serveIdentityForTest(clientId, issue);
  for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
  return server;
}

/** A token that names its owner. Its signature is never checked. */
export function unsignedToken(claims: object): string {
  return `${base64Json({ alg: 'none', typ: 'JWT' })}.${base64Json(claims)}.signature`;
}

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

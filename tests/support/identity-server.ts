import { createServer, type RequestListener } from 'node:http';
import { vi } from 'vitest';
import { listenForTest } from './listen-for-test.js';
import { listenOnLoopback } from './listen-on-loopback.js';

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

/** The requests that it has received, and the listener of their server. */
function identityListener(issue: (count: number) => IssuedToken) {
  const requests: { resource: string | null; clientId: string | null }[] = [];
  const answer: RequestListener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (request.headers['x-identity-header'] !== HEADER) return void response.writeHead(401).end();
    requests.push({ resource: searchParams.get('resource'), clientId: searchParams.get('client_id') });
    const { token, expiresInSeconds } = issue(requests.length);
    response.setHeader('content-type', 'application/json');
    const expiresOn = Math.floor(Date.now() / 1000) + expiresInSeconds;
    return void response.end(JSON.stringify({ access_token: token, expires_on: String(expiresOn) }));
  };
  return { requests, answer };
}

function environmentOf(address: string, clientId: string): IdentityServer['environment'] {
  return { IDENTITY_ENDPOINT: `${address}/msi/token`, IDENTITY_HEADER: HEADER, AZURE_CLIENT_ID: clientId };
}

/**
 * Serves managed identity tokens with the protocol of the Functions host, for another process.
 *
 * @param issue creates the token for the request with this number, from 1
 */
export async function serveIdentityForTest(
  clientId: string,
  issue: (count: number) => IssuedToken,
): Promise<IdentityServer> {
  const { requests, answer } = identityListener(issue);
  return { requests, environment: environmentOf(await listenForTest(createServer(answer)), clientId) };
}

/** `@azure/identity` keeps the first server that it finds, so all tests of a process share one. */
let sharedAddress: Promise<string> | undefined;
let answerOfTest: RequestListener;

/** The same for this process. The caller restores the environment. */
export async function startIdentityServerForTest(
  clientId: string,
  issue: (count: number) => IssuedToken,
): Promise<IdentityServer> {
  const { requests, answer } = identityListener(issue);
  answerOfTest = answer;
  sharedAddress ??= listenOnLoopback(createServer((request, response) => answerOfTest(request, response)).unref());
  const environment = environmentOf(await sharedAddress, clientId);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return { requests, environment };
}

/** A token that names its owner. Its signature is never checked. */
export function unsignedToken(claims: object): string {
  return `${base64Json({ alg: 'none', typ: 'JWT' })}.${base64Json(claims)}.signature`;
}

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

import type { TokenCredential } from '@azure/identity';
import { OpenAI } from 'openai';
import { AgentError } from '../durable-agents/index.js';
import type { ModelApi } from './model-endpoint.js';
import { retryAfterSeconds } from './retry-after.js';

const MAX_RETRY_WAIT_SECONDS = 20;

export interface AzureOpenAIClientOptions {
  readonly endpoint: ModelApi;
  readonly deployment: string;
  /** `undefined`: tokens of `credential`. */
  readonly apiKey?: string | undefined;
  /** @default `DefaultAzureCredential`, loaded when the first token is needed */
  readonly credential?: TokenCredential;
  /** Scope of the credential's tokens. */
  readonly tokenScope: string;
  /** How long one attempt of a call may take up to the headers of its answer. */
  readonly timeoutMs: number;
}

/**
 * Creates a client for one deployment of Azure OpenAI, over the dated API or the v1 API.
 *
 * It depends on its options alone: what the environment says of addresses, keys, organizations and logging has no
 * effect, but for OPENAI_CUSTOM_HEADERS, which the SDK always reads.
 */
export function createAzureOpenAIClient(options: AzureOpenAIClientOptions): OpenAI {
  const { endpoint, deployment, apiKey, credential, tokenScope, timeoutMs } = options;
  return new OpenAI({
    ...(endpoint.api === 'v1'
      ? { baseURL: endpoint.baseUrl }
      : {
          baseURL: `${endpoint.baseUrl}/deployments/${deployment}`,
          defaultQuery: { 'api-version': endpoint.apiVersion },
        }),
    // A key goes into the header `api-key`, which both APIs take; `null` drops the SDK's `authorization`.
    ...(apiKey === undefined
      ? { apiKey: createTokenProvider(credential, tokenScope) }
      : { apiKey, defaultHeaders: { 'api-key': apiKey, authorization: null } }),
    timeout: timeoutMs,
    fetch: fetchFromModel,
    // The SDK prints what it can't read to the console, and with it what the model wrote.
    logLevel: 'off',
    // If they are left out, the SDK takes them from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
  });
}

/**
 * Calls the model, and tells the SDK not to repeat the call where that is of no use.
 *
 * A redirect is never followed: that would send the key and the conversation to another place. The SDK waits for as long
 * as a `Retry-After` says; a caller waits for an answer meanwhile, so beyond some seconds the failure is of more use.
 */
async function fetchFromModel(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  const isRedirect = response.status >= 300 && response.status < 400;
  const isLongWait = (retryAfterSeconds(response.headers) ?? 0) > MAX_RETRY_WAIT_SECONDS;
  if (!isRedirect && !isLongWait) return response;
  const headers = new Headers(response.headers);
  headers.set('x-should-retry', 'false');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/**
 * Tokens for the model, fetched when needed and refreshed before they expire.
 *
 * The provider throws AgentError `authentication_failed` when it gets none.
 */
function createTokenProvider(credential: TokenCredential | undefined, scope: string): () => Promise<string> {
  let provider: (() => Promise<string>) | undefined;
  return async () => {
    try {
      provider ??= await loadTokenProvider(credential, scope);
      return await provider();
    } catch (error) {
      throw new AgentError('authentication_failed', 'Microsoft Entra ID gave this app no token for the model.', {
        cause: error,
      });
    }
  };
}

/** Loading @azure/identity takes about 100 ms, which an app with an API key should not pay at its start. */
async function loadTokenProvider(
  credential: TokenCredential | undefined,
  scope: string,
): Promise<() => Promise<string>> {
  const identity = await import('@azure/identity');
  return identity.getBearerTokenProvider(credential ?? new identity.DefaultAzureCredential(), scope);
}

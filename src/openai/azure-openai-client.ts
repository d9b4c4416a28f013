import type { TokenCredential } from '@azure/identity';
import { AzureOpenAI } from 'openai';
import { AgentError } from '../durable-agents/index.js';
import { retryAfterSeconds } from './retry-after.js';

const MAX_RETRY_WAIT_SECONDS = 20;
const TOKEN_SCOPE = 'https://cognitiveservices.azure.com/.default';

export interface AzureOpenAIClientOptions {
  /** Base address of the Azure OpenAI resource. */
  readonly endpoint: string;
  readonly apiVersion: string;
  /** Absent: tokens of `credential`. */
  readonly apiKey?: string | undefined;
  /** Absent: `DefaultAzureCredential`, loaded when the first token is needed. */
  readonly credential?: TokenCredential;
  /** How long one attempt of a call may take up to the headers of its answer. */
  readonly timeoutMs: number;
}

/**
 * A client of Azure OpenAI that depends on its options alone: what the environment says of addresses, keys,
 * organizations and logging has no effect (but for OPENAI_CUSTOM_HEADERS, which the SDK always adds).
 */
export function createAzureOpenAIClient(options: AzureOpenAIClientOptions): AzureOpenAI {
  const { endpoint, apiVersion, apiKey, credential, timeoutMs } = options;
  return new AzureOpenAI({
    endpoint,
    apiVersion,
    timeout: timeoutMs,
    fetch: fetchWithoutLongWaits,
    // The SDK prints what it can't read to the console, and with it what the model wrote.
    logLevel: 'off',
    ...(apiKey === undefined ? { apiKey: '', azureADTokenProvider: createTokenProvider(credential) } : { apiKey }),
    // Left out, these would be taken from OPENAI_BASE_URL (and collide with the endpoint), OPENAI_ORG_ID and
    // OPENAI_PROJECT_ID.
    baseURL: null,
    organization: null,
    project: null,
  });
}

/**
 * The SDK waits as long as a `Retry-After` says before it tries again, however long that is, while somebody waits for
 * an answer: beyond some seconds the failure, which names the wait, is of more use.
 */
async function fetchWithoutLongWaits(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  const waitSeconds = retryAfterSeconds(response.headers);
  if (waitSeconds === undefined || waitSeconds <= MAX_RETRY_WAIT_SECONDS) return response;
  const headers = new Headers(response.headers);
  headers.set('x-should-retry', 'false');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/**
 * Tokens for the model, fetched when needed and refreshed before they expire.
 *
 * The provider throws AgentError `authentication_failed` when there is none to be had.
 */
function createTokenProvider(credential: TokenCredential | undefined): () => Promise<string> {
  let provider: (() => Promise<string>) | undefined;
  return async () => {
    try {
      provider ??= await loadTokenProvider(credential);
      return await provider();
    } catch (error) {
      throw new AgentError('authentication_failed', 'Microsoft Entra ID gave this app no token for the model.', {
        cause: error,
      });
    }
  };
}

/** Loading @azure/identity takes about 100 ms, which an app with an API key should not pay at its start. */
async function loadTokenProvider(credential: TokenCredential | undefined): Promise<() => Promise<string>> {
  const identity = await import('@azure/identity');
  return identity.getBearerTokenProvider(credential ?? new identity.DefaultAzureCredential(), TOKEN_SCOPE);
}

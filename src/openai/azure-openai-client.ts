import type { TokenCredential } from '@azure/identity';
import { OpenAI } from 'openai';
import { AgentError } from '../durable-agents/index.js';
import { errorText } from '../functions/error-text.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import { fetchFromModel } from './fetch-from-model.js';
import type { ModelApi } from './model-endpoint.js';
import { redactSecrets } from './redact-secrets.js';

/** The agent ends its calls itself: a time-out of the SDK would be retried, and each retry is billed. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface AzureOpenAIClientOptions {
  readonly endpoint: ModelApi;
  readonly deployment: string;
  /** `undefined`: tokens of `credential`. */
  readonly apiKey?: string | undefined;
  /** @default `DefaultAzureCredential`, loaded when the first token is needed */
  readonly credential?: TokenCredential;
  /** Scope of the credential's tokens. */
  readonly tokenScope: string;
}

/** One deployment of Azure OpenAI. */
export interface AzureOpenAIClient {
  readonly deployment: string;
  /** Its requests go to the deployment. */
  readonly sdk: OpenAI;
  /** Removes what a text repeats of the key, the token or the endpoint. */
  readonly redact: (text: string) => string;
}

/**
 * Creates a client for one deployment of Azure OpenAI, over the dated API or the v1 API.
 *
 * It depends on its options alone: what the environment says of addresses, keys, organizations and logging has no
 * effect, but for OPENAI_CUSTOM_HEADERS, which the SDK always reads.
 */
export function createAzureOpenAIClient(options: AzureOpenAIClientOptions): AzureOpenAIClient {
  const { endpoint, deployment, apiKey, credential, tokenScope } = options;
  let token = '';
  const getToken = createTokenProvider(credential, tokenScope);
  const sdk = new OpenAI({
    ...(endpoint.api === 'v1'
      ? { baseURL: endpoint.baseUrl }
      : {
          baseURL: `${endpoint.baseUrl}/deployments/${deployment}`,
          defaultQuery: { 'api-version': endpoint.apiVersion },
        }),
    // A key goes into the header `api-key`, which both APIs take; `null` drops the SDK's `authorization`.
    ...(apiKey === undefined
      ? { apiKey: async () => (token = await getToken()) }
      : { apiKey, defaultHeaders: { 'api-key': apiKey, authorization: null } }),
    timeout: LONGEST_TIMER_MS,
    fetch: fetchFromModel,
    // The SDK prints what it can't read to the console, and with it what the model wrote.
    logLevel: 'off',
    // If they are left out, the SDK takes them from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
  });
  const { host, hostname } = new URL(endpoint.baseUrl);
  return {
    deployment,
    sdk,
    redact: (text) => redactSecrets(text, [apiKey ?? '', token, host, hostname]),
  };
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
        cause: new Error(cleanForeignText(errorText(error), 500)),
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

import type { TokenCredential } from '@azure/identity';
import { OpenAI } from 'openai';
import { AgentError } from '../durable-agents/index.js';
import { errorText } from '../functions/error-text.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import { fetchFromModel } from './fetch-from-model.js';
import type { ModelApi } from './model-endpoint.js';
import { redactSecrets } from './redact-secrets.js';

/** Turns off the SDK's timeout: the SDK would retry, and each retry is billed. The agent has its own time limits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface AzureOpenAIClientOptions {
  readonly endpoint: ModelApi;
  readonly deployment: string;
  /** `undefined`: uses tokens of `credential`. */
  readonly apiKey?: string | undefined;
  /** @default `DefaultAzureCredential`, loaded on first use */
  readonly credential?: TokenCredential;
  /** Scope of the credential's tokens. */
  readonly tokenScope: string;
}

/** One deployment of Azure OpenAI. */
export interface AzureOpenAIClient {
  readonly deployment: string;
  /** Its requests go to the deployment. */
  readonly sdk: OpenAI;
  /** Removes fragments of the key, the token and the endpoint from a text. */
  readonly redact: (text: string) => string;
}

/**
 * Creates a client for one deployment of Azure OpenAI, using the dated API or the v1 API.
 *
 * It ignores environment variables for addresses, keys, organizations and logging, except OPENAI_CUSTOM_HEADERS, which
 * the SDK always reads.
 */
export function createAzureOpenAIClient(options: AzureOpenAIClientOptions): AzureOpenAIClient {
  const { endpoint, deployment, apiKey, credential, tokenScope } = options;
  // Servers outside Azure, such as vLLM, take a key only as a bearer token.
  const takesBearerKey = endpoint.api === 'v1' && !endpoint.baseUrl.endsWith('/openai/v1');
  let token = '';
  const getToken = createTokenProvider(credential, tokenScope);
  const sdk = new OpenAI({
    ...(endpoint.api === 'v1'
      ? { baseURL: endpoint.baseUrl }
      : {
          baseURL: `${endpoint.baseUrl}/deployments/${deployment}`,
          defaultQuery: { 'api-version': endpoint.apiVersion },
        }),
    // A key goes into the header `api-key`, which both APIs of Azure take; `null` drops the SDK's `authorization`.
    ...(apiKey === undefined
      ? { apiKey: async () => (token = await getToken()) }
      : { apiKey, defaultHeaders: { 'api-key': apiKey, ...(!takesBearerKey && { authorization: null }) } }),
    timeout: LONGEST_TIMER_MS,
    fetch: fetchFromModel,
    // The SDK would print unreadable responses, and with them the model's text, to the console.
    logLevel: 'off',
    // If omitted, the SDK reads them from the environment.
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
 * Returns a provider of tokens for the model, which fetches them on demand and refreshes them before they expire.
 *
 * The provider throws AgentError `authentication_failed` if it gets no token.
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

/** Loads @azure/identity on first use: it takes about 100 ms, which an app with an API key does not need. */
async function loadTokenProvider(
  credential: TokenCredential | undefined,
  scope: string,
): Promise<() => Promise<string>> {
  const identity = await import('@azure/identity');
  return identity.getBearerTokenProvider(credential ?? new identity.DefaultAzureCredential(), scope);
}

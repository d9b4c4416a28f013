import type { AccessToken, TokenCredential } from '@azure/identity';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';
import { API_KEY, partsOf } from '../support/ask-model.js';
import { completion, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

/** Returns a new token each time, and records the requested scopes. */
class CountingCredential implements TokenCredential {
  readonly scopes: (string | string[])[] = [];
  readonly #validForMs: number;

  constructor(validForMs: number) {
    this.#validForMs = validForMs;
  }

  async getToken(scopes: string | string[]): Promise<AccessToken> {
    const count = this.scopes.push(scopes);
    return { token: `token-${count}`, expiresOnTimestamp: Date.now() + this.#validForMs };
  }
}

const HOUR_MS = 3_600_000;

afterEach(() => void vi.unstubAllEnvs());

describe('a client without an API key', () => {
  it('sends a token of its credential', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));
    const credential = new CountingCredential(HOUR_MS);

    await partsOf({ endpoint, credential });

    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' });
    expect(requests[0]?.headers).not.toHaveProperty('api-key');
    expect(credential.scopes.flat()).toEqual(['https://cognitiveservices.azure.com/.default']);
  });

  it.each([
    { what: 'keeps its token while it is valid', validForMs: HOUR_MS, tokens: ['Bearer token-1', 'Bearer token-1'] },
    { what: 'gets a new token when its own has expired', validForMs: -1, tokens: ['Bearer token-1', 'Bearer token-2'] },
  ])('$what', async ({ validForMs, tokens }) => {
    const { endpoint, requests } = await startModelServer(answered(200, completion({ content: 'Hi' })));
    const credential = new CountingCredential(validForMs);
    const client = createAzureOpenAIClient({
      ...parseModelEndpoint(endpoint),
      deployment: 'gpt-4o',
      credential,
    });

    for (let call = 0; call < 2; call += 1) await client.sdk.chat.completions.create({ model: 'gpt-4o', messages: [] });

    expect(requests.map(({ headers }) => headers.authorization)).toEqual(tokens);
  });

  it.each<{ what: string; getToken: TokenCredential['getToken'] }>([
    { what: 'throws', getToken: () => Promise.reject(new Error('tenant 1234 at https://login.example')) },
    { what: 'gives none', getToken: () => Promise.resolve(null) },
  ])('fails without calling the model if its credential $what', async ({ getToken }) => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await expect(partsOf({ endpoint, credential: { getToken } })).rejects.toMatchObject({
      name: 'AgentError',
      code: 'authentication_failed',
      message: 'Microsoft Entra ID gave this app no token for the model.',
    });
    expect(requests).toEqual([]);
  });
});

describe('the v1 API', () => {
  it.each(['/openai/v1/', '/api/projects/weather'])('is called at %s with the key in a header', async (path) => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({ endpoint: `${endpoint}${path}` });

    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/openai/v1/chat/completions',
        headers: { 'api-key': API_KEY },
        body: { model: 'gpt-4o' },
      },
    ]);
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('is called with the key as a bearer token, too, on a server that is not Azure', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({ endpoint: `${endpoint}/v1`, deployment: 'meta-llama/Llama-3.1-8B' });

    expect(requests).toMatchObject([
      {
        path: '/v1/chat/completions',
        headers: { 'api-key': API_KEY, authorization: `Bearer ${API_KEY}` },
        body: { model: 'meta-llama/Llama-3.1-8B' },
      },
    ]);
  });

  it('is called with a token of the credential if there is no key', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));
    const credential = new CountingCredential(HOUR_MS);

    await partsOf({ endpoint, apiVersion: 'v1', credential, tokenScope: 'api://gateway/.default' });

    expect(requests[0]?.path).toBe('/openai/v1/chat/completions');
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' });
    expect(requests[0]?.headers).not.toHaveProperty('api-key');
    expect(credential.scopes.flat()).toEqual(['api://gateway/.default']);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %i is not followed', async (status) => {
    const elsewhere = await startModelServer(streamed([finishChunk()]));
    const { endpoint, requests } = await startModelServer(
      answered(status, '', { location: `${elsewhere.endpoint}/openai/deployments/gpt-4o/chat/completions` }),
    );

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ name: 'AgentError', code: 'endpoint_redirected' });
    expect(requests).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('the environment', () => {
  const variables = {
    OPENAI_BASE_URL: 'http://127.0.0.1:1',
    OPENAI_API_KEY: 'other-key',
    OPENAI_ORG_ID: 'other-organization',
    OPENAI_PROJECT_ID: 'other-project',
    OPENAI_API_VERSION: '2000-01-01',
    AZURE_OPENAI_API_KEY: 'other-key',
    AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:1',
  };

  it.each([
    { what: 'an API key', credential: undefined, header: { 'api-key': API_KEY } },
    { what: 'a credential', credential: new CountingCredential(HOUR_MS), header: { authorization: 'Bearer token-1' } },
  ])('has no effect on a client with $what', async ({ credential, header }) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({ endpoint, ...(credential && { credential }) });

    expect(requests).toMatchObject([{ path: expect.stringMatching(/api-version=2024-10-21$/), headers: header }]);
    expect(JSON.stringify(requests)).not.toContain('other-');
  });
});

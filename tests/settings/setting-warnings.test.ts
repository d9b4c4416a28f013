import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings/load-settings.js';
import { missingEndpointProblem } from '../../src/settings/missing-endpoint-problem.js';

const required = {
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o-mini',
};

const warningsFor = (variables: Readonly<Record<string, string>>) =>
  loadSettings({ ...required, ...variables }).warnings;

describe('an unknown variable', () => {
  it.each([
    ['AZURE_OPENAI_DEPLOYMENT', 'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME'],
    ['AZURE_OPENAI_DEPLOYMENT_NAME', 'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME'],
    ['AZURE_OPENAI_KEY', 'AZURE_OPENAI_API_KEY'],
    ['AZURE_OPENAI_APIKEY', 'AZURE_OPENAI_API_KEY'],
    ['AZURE_OPEN_AI_API_KEY', 'AZURE_OPENAI_API_KEY'],
    ['azure_openai_api_version', 'AZURE_OPENAI_API_VERSION'],
    ['AZURE_OPENAI_IDLE_TIMEOUT_SECONDS', 'AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS'],
    ['CALLBACK_STROE', 'CALLBACK_STORE'],
    ['CALLBACKS_STORE', 'CALLBACK_STORE'],
    ['CALLBACK_TTL_DAYS', 'CALLBACK_EVENT_TTL_DAYS'],
    ['AGENT_TIMEOUT_SECONDS', 'AGENT_RUN_TIMEOUT_SECONDS'],
  ])('causes a warning: %s, with the suggestion %s', (name, nearest) => {
    expect(warningsFor({ [name]: 'not-for-the-log' })).toEqual([
      `${name} is not a setting of this app and has no effect. Did you mean ${nearest}?`,
    ]);
  });

  it.each(['AZURE_OPENAI_API_BASE', 'AZURE_OPENAI_URL', 'AZURE_OPENAI_BASE_URL'])(
    'suggests the endpoint for an address: %s',
    (name) => {
      expect(warningsFor({ [name]: 'https://not-for-the-log.example' })).toEqual([
        `${name} is not a setting of this app and has no effect. Did you mean AZURE_OPENAI_ENDPOINT?`,
      ]);
    },
  );

  it.each(['PATH', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'OPENAI_API_KEY', 'AGENTS', 'WEBSITE_INSTANCE_ID'])(
    'causes no warning if it is not meant for the app: %s',
    (name) => {
      expect(warningsFor({ [name]: 'value' })).toEqual([]);
    },
  );

  it('causes no warning if it is empty', () => {
    expect(warningsFor({ AZURE_OPENAI_KEY: ' ' })).toEqual([]);
  });
});

describe('a variable of the OpenAI SDK', () => {
  it.each(['OPENAI_BASE_URL', 'OPENAI_CUSTOM_HEADERS', 'OPENAI_API_VERSION'])(
    'is ignored with a warning: %s',
    (name) => {
      expect(warningsFor({ [name]: 'not-for-the-log' })).toEqual([
        expect.stringMatching(new RegExp(`^${name} is set and ignored: this app `)),
      ]);
    },
  );
});

describe('the endpoint of a Foundry project', () => {
  it('is logged at startup with the URL that is called instead', () => {
    const endpoint = 'https://example.services.ai.azure.com/api/projects/weather';
    expect(warningsFor({ AZURE_OPENAI_ENDPOINT: endpoint })).toEqual([
      'AZURE_OPENAI_ENDPOINT is a Foundry project. ' +
        'Calling the v1 API of its resource: https://example.services.ai.azure.com/openai/v1',
    ]);
  });
});

describe('missingEndpointProblem', () => {
  it.each(['AZURE_OPENAI_ENDPIONT', 'AZURE_OPEN_AI_ENDPOINT', 'AZURE_OPENAI_ENDPOINTS', 'AZURE_OPENAI_API_BASE'])(
    'reports the misspelling %s',
    (name) => {
      const environment = { [name]: 'https://example.openai.azure.com', AZURE_OPENAI_API_KEY: 'key' };
      expect(missingEndpointProblem(environment)).toBe(
        `AZURE_OPENAI_ENDPOINT is not set, but ${name} is. Did you mean AZURE_OPENAI_ENDPOINT?`,
      );
    },
  );

  it('reports a misspelled key without an endpoint', () => {
    expect(missingEndpointProblem({ AZURE_OPENAI_KEY: 'key' })).toBe(
      'AZURE_OPENAI_KEY is set, but AZURE_OPENAI_ENDPOINT is not.',
    );
  });

  it('reports a key without an endpoint', () => {
    expect(missingEndpointProblem({ AZURE_OPENAI_API_KEY: 'key', AZURE_OPENAI_ENDPOINT: '' })).toBe(
      'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not.',
    );
  });

  it.each([{}, { AZURE_OPENAI_API_KEY: ' ' }, { ...required, AZURE_OPENAI_API_KEY: 'key' }])(
    'returns undefined if no variable suggests a model: %o',
    (environment) => {
      expect(missingEndpointProblem(environment)).toBeUndefined();
    },
  );
});

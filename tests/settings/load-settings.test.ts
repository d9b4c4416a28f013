import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings/load-settings.js';
import { required, refusal } from './refusal.js';

function firstTokenTimeoutMs(runTimeoutSeconds: string, firstTokenTimeoutSeconds?: string): number {
  return loadSettings({
    ...required,
    AGENT_RUN_TIMEOUT_SECONDS: runTimeoutSeconds,
    AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS: firstTokenTimeoutSeconds,
  }).openAI.firstTokenTimeoutMs;
}

describe('settings', () => {
  it('have defaults for all but the endpoint and the deployment', () => {
    expect(loadSettings(required)).toEqual({
      openAI: {
        endpoint: { api: 'dated', baseUrl: 'https://example.openai.azure.com/openai', apiVersion: '2024-10-21' },
        tokenScope: 'https://cognitiveservices.azure.com/.default',
        deployment: 'gpt-4o-mini',
        firstTokenTimeoutMs: 180_000,
        streamIdleTimeoutMs: 60_000,
        parameters: {},
      },
      agent: {
        runTimeoutSeconds: 240,
        maxAnswerBytes: 4_194_304,
        maxMessageBytes: 262_144,
        allowedRoles: ['user', 'assistant', 'system'],
        authorize: 'none',
        maxAttempts: 5,
        approvalTimeoutHours: 168,
        waitSeconds: 30,
        waitTimeoutStatus: 500,
      },
      conversation: { maxHistoryTurns: 200, maxStateBytes: 900_000 },
      callbackStore: { kind: 'memory', maxThreads: 1000, maxEventsPerThread: 10_000, maxBytes: 67_108_864 },
      callbackStreams: { maxDurationMs: 100_000, maxBytes: 1_048_576, maxOpen: 500, maxOpenPerThread: 50 },
      callbackAnswers: { maxPageBytes: 8_388_608, maxAnswerBytes: 67_108_864, maxTotalBytes: 268_435_456 },
      callbackLog: { previewChars: 120, updates: true },
      redaction: { redact: [], redactAnswers: false },
      telemetry: undefined,
      prices: undefined,
      warnings: [],
    });
  });

  it('are read from the environment', () => {
    const settings = loadSettings({
      ...required,
      AZURE_OPENAI_API_KEY: 'key',
      AZURE_OPENAI_API_VERSION: '2025-01-01-preview',
      AZURE_OPENAI_TOKEN_SCOPE: 'api://gateway/.default',
      AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS: '1',
      AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: '1',
      AZURE_OPENAI_REASONING_EFFORT: 'minimal',
      AZURE_OPENAI_MAX_OUTPUT_TOKENS: '1000',
      AZURE_OPENAI_TEMPERATURE: '0.7',
      AGENT_RUN_TIMEOUT_SECONDS: '2',
      AGENT_MAX_ANSWER_BYTES: '12',
      AGENT_MAX_MESSAGE_BYTES: '3',
      AGENT_ALLOWED_ROLES: 'User, assistant',
      AGENT_AUTHORIZE: 'easyauth',
      AGENT_MAX_HISTORY_TOKENS: '15',
      AGENT_MAX_HISTORY_TURNS: '16',
      AGENT_MAX_STATE_BYTES: '5000',
      AGENT_MAX_ATTEMPTS: '7',
      APPROVAL_TIMEOUT_HOURS: '0.5',
      AGENT_WAIT_SECONDS: '12',
      AGENT_WAIT_TIMEOUT_STATUS: '202',
      CALLBACK_STORE_MAX_THREADS: '4',
      CALLBACK_STORE_MAX_EVENTS_PER_THREAD: '5',
      CALLBACK_STORE_MAX_BYTES: '6',
      CALLBACK_LOG_PREVIEW_CHARS: '7',
      CALLBACK_LOG_UPDATES: 'False',
      CALLBACK_STREAM_MAX_SECONDS: '8',
      CALLBACK_STREAM_MAX_BYTES: '9',
      CALLBACK_STREAM_MAX_OPEN: '10',
      CALLBACK_STREAM_MAX_OPEN_PER_THREAD: '11',
      CALLBACK_PAGE_MAX_BYTES: '12',
      CALLBACK_ANSWER_MAX_BYTES: '13',
      CALLBACK_ANSWERS_TOTAL_MAX_BYTES: '14',
      SOMETHING_ELSE: '12',
    });
    expect(settings).toEqual({
      openAI: {
        endpoint: {
          api: 'dated',
          baseUrl: `${required.AZURE_OPENAI_ENDPOINT}/openai`,
          apiVersion: '2025-01-01-preview',
        },
        tokenScope: 'api://gateway/.default',
        deployment: 'gpt-4o-mini',
        apiKey: 'key',
        firstTokenTimeoutMs: 1000,
        streamIdleTimeoutMs: 1000,
        parameters: { reasoningEffort: 'minimal', maxOutputTokens: 1000, temperature: 0.7 },
      },
      agent: {
        runTimeoutSeconds: 2,
        maxAnswerBytes: 12,
        maxMessageBytes: 3,
        allowedRoles: ['user', 'assistant'],
        authorize: 'easyauth',
        maxAttempts: 7,
        approvalTimeoutHours: 0.5,
        waitSeconds: 12,
        waitTimeoutStatus: 202,
      },
      conversation: { maxHistoryTokens: 15, maxHistoryTurns: 16, maxStateBytes: 5000 },
      callbackStore: { kind: 'memory', maxThreads: 4, maxEventsPerThread: 5, maxBytes: 6 },
      callbackStreams: { maxDurationMs: 8000, maxBytes: 9, maxOpen: 10, maxOpenPerThread: 11 },
      callbackAnswers: { maxPageBytes: 12, maxAnswerBytes: 13, maxTotalBytes: 14 },
      callbackLog: { previewChars: 7, updates: false },
      redaction: { redact: [], redactAnswers: false },
      telemetry: undefined,
      warnings: [],
    });
  });

  it('treat empty and blank variables as unset, and trim the others, also of invisible characters', () => {
    const settings = loadSettings({
      AZURE_OPENAI_ENDPOINT: ' https://example.openai.azure.com/\u200B\n',
      AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: '\uFEFF gpt-4o-mini \u200E',
      AZURE_OPENAI_API_KEY: '\u200B',
      AZURE_OPENAI_API_VERSION: ' ',
      AGENT_RUN_TIMEOUT_SECONDS: '',
      TASKHUB_NAME: '',
    });
    expect(settings).toEqual(loadSettings(required));
  });

  it('reject an invalid endpoint and show the expected format', () => {
    expect(refusal({ AZURE_OPENAI_ENDPOINT: 'example.openai.azure.com' })).toBe(
      'Settings are missing or invalid:\n  AZURE_OPENAI_ENDPOINT is not a URL; ' +
        'expected https://NAME.openai.azure.com, or https://NAME.openai.azure.com/openai/v1/ for the v1 API',
    );
  });

  it.each(['admin', 'user,,system', ','])('reject the roles %s', (roles) => {
    expect(refusal({ AGENT_ALLOWED_ROLES: roles })).toContain(
      'AGENT_ALLOWED_ROLES: expected some of user, assistant, system, separated by commas',
    );
  });

  it('cap the first token timeout below the run timeout', () => {
    expect(firstTokenTimeoutMs('60')).toBe(57_000);
    expect(firstTokenTimeoutMs('60', '59')).toBe(57_000);
    expect(firstTokenTimeoutMs('60', '30')).toBe(30_000);
  });

  it.each(['0', '0.35', '2'])('accept the temperature %s', (temperature) => {
    expect(loadSettings({ ...required, AZURE_OPENAI_TEMPERATURE: temperature }).openAI.parameters.temperature).toBe(
      Number(temperature),
    );
  });

  it.each([
    ['AZURE_OPENAI_TEMPERATURE', '2.1'],
    ['AZURE_OPENAI_TEMPERATURE', '-1'],
    ['AZURE_OPENAI_TEMPERATURE', 'warm'],
    ['AZURE_OPENAI_TOKEN_SCOPE', 'https://cognitiveservices.azure.us'],
    ['AZURE_OPENAI_REASONING_EFFORT', 'Very High'],
  ])('reject %s=%s', (name, value) => {
    expect(refusal({ [name]: value })).toMatch(new RegExp(`^  ${name}: expected`, 'm'));
  });

  it.each([
    ['AZURE_OPENAI_API_KEY', 'one\ntwo'],
    ['AZURE_OPENAI_API_KEY', 'schlüssel'],
    ['AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', '../other?x=y'],
    ['AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', '..'],
    ['AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', 'llama3.1:8b'],
    ['AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', 'gpt 4o'],
    ['AZURE_OPENAI_API_VERSION', '2024-10-21&x=1'],
    ['AZURE_OPENAI_API_VERSION', '2024-10-2l'],
    ['AZURE_OPENAI_API_VERSION', '20241021'],
    ['AZURE_OPENAI_API_VERSION', 'v1preview'],
  ])('reject %s %j, which would break requests, without repeating it', (name, value) => {
    const text = refusal({ [name]: value });
    expect(text.split('\n')).toEqual([
      'Settings are missing or invalid:',
      expect.stringMatching(new RegExp(`^  ${name}: expected`)),
    ]);
    expect(text).not.toContain(value);
  });

  it.each(['llama3.1:8b', 'meta-llama/Llama-3.1-8B-Instruct', '@cf/meta/llama-3.1-8b', 'gpt-4o'])(
    'accept the model %s of a server with the v1 API',
    (deployment) => {
      const settings = loadSettings({
        AZURE_OPENAI_ENDPOINT: 'http://localhost:11434/v1',
        AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: deployment,
      });
      expect(settings.openAI.deployment).toBe(deployment);
    },
  );

  it.each([
    ['AZURE_OPENAI_ENDPOINT', '"https://example.openai.azure.com"'],
    ['AZURE_OPENAI_API_KEY', "'0123456789abcdef'"],
    ['AGENT_RUN_TIMEOUT_SECONDS', '"300"'],
  ])('reject %s in quotes, which a shell would have removed', (name, value) => {
    expect(refusal({ [name]: value })).toBe(`Settings are missing or invalid:\n  ${name} is in quotes; remove them`);
  });

  it.each(['${KEY}', '${{ secrets.KEY }}', '$(KEY)', '#{KEY}#', 'https://${NAME}.openai.azure.com'])(
    'reject the placeholder of a pipeline: %s',
    (value) => {
      expect(refusal({ AZURE_OPENAI_API_KEY: value })).toContain('  AZURE_OPENAI_API_KEY still contains a placeholder');
    },
  );

  it.each([
    ['locally', {}, true],
    ['in Azure', { WEBSITE_INSTANCE_ID: 'instance' }, false],
    ['locally when they are off', { CALLBACK_LOG_UPDATES: 'false' }, false],
    ['in Azure when they are on', { WEBSITE_INSTANCE_ID: 'instance', CALLBACK_LOG_UPDATES: 'true' }, true],
  ])('control whether updates are logged %s', (_where, environment, expected) => {
    expect(loadSettings({ ...required, ...environment }).callbackLog.updates).toBe(expected);
  });

  it.each(['1', 'yes', 'on'])('accept only true or false as CALLBACK_LOG_UPDATES, not %s', (value) => {
    expect(refusal({ CALLBACK_LOG_UPDATES: value })).toContain('  CALLBACK_LOG_UPDATES: expected true or false');
  });

  it.each([
    ['TASKHUB_NAME', 'my-hub'],
    ['TASKHUB_NAME', '1hub'],
    ['TASKHUB_NAME', 'ab'],
    ['TASKHUB_NAME', 'a'.repeat(46)],
    ['FUNCTIONS_WORKER_RUNTIME', 'python'],
  ])('reject %s=%s, which the host would not accept', (name, value) => {
    expect(refusal({ [name]: value })).toContain(`  ${name}: expected`);
  });

  it('reject a TASKHUB_NAME that the host would ignore', () => {
    const override = 'AzureFunctionsJobHost__extensions__durableTask__hubName';
    const lines = refusal({ TASKHUB_NAME: 'mine' }).split('\n');
    expect(lines).toEqual([
      'Settings are missing or invalid:',
      expect.stringContaining(`  TASKHUB_NAME is not the task hub in use; set ${override} to the same value`),
    ]);
    expect(refusal({ TASKHUB_NAME: 'mine', [override]: 'other' })).toContain('TASKHUB_NAME is not the task hub');
    expect(refusal({ TASKHUB_NAME: 'Mine', [override]: 'mine' })).toBe('');
    expect(refusal({ TASKHUB_NAME: 'default' })).toBe('');
    expect(refusal({ [override]: 'other' })).toBe('');
  });

  it('report every invalid variable in one error, with what was expected', () => {
    expect(
      refusal({
        AZURE_OPENAI_ENDPOINT: undefined,
        AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: '<your deployment>',
        AGENT_RUN_TIMEOUT_SECONDS: 'soon',
      }).split('\n'),
    ).toEqual([
      'Settings are missing or invalid:',
      '  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME still contains a placeholder; fill it in, or leave it empty if it is optional',
      '  AZURE_OPENAI_ENDPOINT is missing; expected the endpoint of an Azure OpenAI resource, such as https://NAME.openai.azure.com',
      '  AGENT_RUN_TIMEOUT_SECONDS: expected a whole number from 1 to 3600',
    ]);
  });

  it.each([
    'AZURE_OPENAI_ENDPOINT',
    'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME',
    'AZURE_OPENAI_API_KEY',
    'AZURE_OPENAI_API_VERSION',
    'AGENT_RUN_TIMEOUT_SECONDS',
    'CALLBACK_LOG_PREVIEW_CHARS',
    'AzureWebJobsStorage',
    'CALLBACK_STORE',
    'CALLBACK_REDIS_URL',
    'CALLBACK_COSMOS_ENDPOINT',
    'CALLBACK_COSMOS_KEY',
  ])('reject a placeholder in %s, with one line', (name) => {
    expect(refusal({ [name]: 'https://<your-resource>.openai.azure.com' }).split('\n')).toEqual([
      'Settings are missing or invalid:',
      expect.stringContaining(`  ${name} still contains a placeholder`),
    ]);
  });

  it.each([
    ['AZURE_OPENAI_API_KEY', '@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/key/)'],
    ['AZURE_OPENAI_ENDPOINT', '@microsoft.keyvault(VaultName=vault;SecretName=endpoint)'],
    ['CALLBACK_REDIS_URL', '@Microsoft.KeyVault(VaultName=vault;SecretName=redis)'],
    ['AzureWebJobsStorage', '@Microsoft.AppConfiguration(Endpoint=https://config.example; Key=storage)'],
  ])('reject an unresolved reference in %s', (name, value) => {
    const lines = refusal({ [name]: value }).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(new RegExp(`^  ${name} is an unresolved Key Vault reference; grant`));
    expect(lines[1]).not.toContain('vault;');
  });

  it('never reveal the value of a variable', () => {
    const secret = 'sk-not-for-the-log';
    const message = refusal({
      AZURE_OPENAI_ENDPOINT: secret,
      AZURE_OPENAI_API_KEY: `<${secret}>`,
      AGENT_RUN_TIMEOUT_SECONDS: secret,
      TASKHUB_NAME: secret,
      FUNCTIONS_WORKER_RUNTIME: secret,
    });
    expect(message.split('\n')).toHaveLength(6);
    expect(message).not.toContain(secret);
  });
});

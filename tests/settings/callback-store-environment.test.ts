import { describe, expect, it } from 'vitest';
import { loadSettings, SettingsError } from '../../src/settings/load-settings.js';

const required = {
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o-mini',
};

type Variables = Readonly<Record<string, string | undefined>>;

function storeSettings(variables: Variables): unknown {
  return loadSettings({ ...required, ...variables }).callbackStore;
}

/** Returns the lines of the SettingsError for these variables; empty if they are valid. */
function refusal(variables: Variables): string[] {
  try {
    loadSettings({ ...required, ...variables });
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((problem) => problem.trim());
  }
}

const account =
  'DefaultEndpointsProtocol=https;AccountName=example;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net';

describe('event store settings', () => {
  it.each<[string, Variables, unknown]>([
    [
      'table, in the storage account of the function app',
      { AzureWebJobsStorage: account },
      {
        kind: 'table',
        account: { connectionString: account },
        tableName: 'CallbackEventsdefault',
        formerTableName: 'CallbackEvents',
      },
    ],
    [
      'table, in the emulator',
      {
        AzureWebJobsStorage: 'UseDevelopmentStorage=true',
        CALLBACK_TABLE_NAME: 'MyEvents2',
        CALLBACK_EVENT_TTL_DAYS: '30',
      },
      {
        kind: 'table',
        account: { connectionString: 'UseDevelopmentStorage=true' },
        tableName: 'MyEvents2',
        ttlDays: 30,
      },
    ],
    [
      'table, by managed identity',
      { AzureWebJobsStorage__accountName: 'example' },
      {
        kind: 'table',
        account: { url: 'https://example.table.core.windows.net' },
        tableName: 'CallbackEventsdefault',
        formerTableName: 'CallbackEvents',
      },
    ],
    [
      'table, by a user-assigned managed identity, at another address',
      {
        AzureWebJobsStorage__accountName: 'example',
        AzureWebJobsStorage__tableServiceUri: 'https://example.table.core.usgovcloudapi.net',
        AzureWebJobsStorage__clientId: '7a5d2f3e-0000-4000-8000-000000000000',
      },
      {
        kind: 'table',
        account: {
          url: 'https://example.table.core.usgovcloudapi.net',
          clientId: '7a5d2f3e-0000-4000-8000-000000000000',
        },
        tableName: 'CallbackEventsdefault',
        formerTableName: 'CallbackEvents',
      },
    ],
    [
      'redis',
      { CALLBACK_REDIS_URL: 'rediss://user:secret@example.redis.azure.net:10000/1', CALLBACK_EVENT_TTL_DAYS: '7' },
      {
        kind: 'redis',
        url: 'rediss://user:secret@example.redis.azure.net:10000/1',
        keyPrefix: 'callbacks:default:',
        ttlDays: 7,
      },
    ],
    [
      'redis, by managed identity',
      { CALLBACK_REDIS_URL: 'rediss://example.redis.azure.net:10000', CALLBACK_REDIS_AUTH: 'entra' },
      {
        kind: 'redis',
        url: 'rediss://example.redis.azure.net:10000',
        usesEntra: true,
        keyPrefix: 'callbacks:default:',
      },
    ],
    [
      'redis, on this machine',
      { CALLBACK_REDIS_URL: 'redis://localhost' },
      { kind: 'redis', url: 'redis://localhost', keyPrefix: 'callbacks:default:' },
    ],
    [
      'cosmos, with a key',
      {
        CALLBACK_COSMOS_ENDPOINT: 'https://example.documents.azure.com',
        CALLBACK_COSMOS_KEY: 'c2VjcmV0LWtleQ==',
        CALLBACK_COSMOS_DATABASE: 'my agents',
        CALLBACK_COSMOS_CONTAINER: 'events',
        CALLBACK_EVENT_TTL_DAYS: '3650',
      },
      {
        kind: 'cosmos',
        endpoint: 'https://example.documents.azure.com',
        key: 'c2VjcmV0LWtleQ==',
        database: 'my agents',
        container: 'events',
        ttlDays: 3650,
      },
    ],
    [
      'cosmos, by managed identity',
      { CALLBACK_COSMOS_ENDPOINT: 'https://example.documents.azure.com:443/' },
      {
        kind: 'cosmos',
        endpoint: 'https://example.documents.azure.com:443/',
        database: 'agents',
        container: 'callback-events-default',
        formerContainer: 'callback-events',
      },
    ],
    [
      'memory, without CALLBACK_EVENT_TTL_DAYS',
      { CALLBACK_EVENT_TTL_DAYS: '30', CALLBACK_REDIS_URL: 'redis://localhost' },
      { kind: 'memory', maxThreads: 1000, maxEventsPerThread: 10_000, maxBytes: 67_108_864 },
    ],
  ])('select %s', (name, variables, expected) => {
    expect(storeSettings({ CALLBACK_STORE: name.split(',')[0], ...variables })).toEqual(expected);
  });

  it('name table, keys and container after the task hub in use', () => {
    const hub = { AzureFunctionsJobHost__extensions__durableTask__hubName: 'Hub2' };
    expect(storeSettings({ ...hub, CALLBACK_STORE: 'table', AzureWebJobsStorage: account })).toMatchObject({
      tableName: 'CallbackEventsHub2',
    });
    expect(storeSettings({ ...hub, CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: 'redis://localhost' })).toMatchObject({
      keyPrefix: 'callbacks:Hub2:',
    });
    const cosmos = { CALLBACK_STORE: 'cosmos', CALLBACK_COSMOS_ENDPOINT: 'https://example.documents.azure.com' };
    expect(storeSettings({ ...hub, ...cosmos })).toMatchObject({ container: 'callback-events-Hub2' });
  });

  it('prefer the connection string to an identity, like the host', () => {
    const variables = { AzureWebJobsStorage: account, AzureWebJobsStorage__accountName: 'other' };
    expect(storeSettings({ CALLBACK_STORE: 'table', ...variables })).toMatchObject({
      account: { connectionString: account },
    });
  });

  it.each<[string, Variables, string]>([
    [
      'table',
      {},
      'AzureWebJobsStorage is missing; CALLBACK_STORE=table needs a connection string, or AzureWebJobsStorage__accountName',
    ],
    [
      'table',
      { AzureWebJobsStorage__clientId: 'x' },
      'AzureWebJobsStorage is missing; CALLBACK_STORE=table needs a connection string, or AzureWebJobsStorage__accountName',
    ],
    ['redis', {}, 'CALLBACK_REDIS_URL is missing; CALLBACK_STORE=redis needs redis://… or rediss://…'],
    ...['rediss://user:secret@example.redis.azure.net:10000', 'redis://example.redis.azure.net:10000'].map(
      (url): [string, Variables, string] => [
        'redis',
        { CALLBACK_REDIS_URL: url, CALLBACK_REDIS_AUTH: 'entra' },
        'CALLBACK_REDIS_URL: expected rediss://HOST:PORT without user and password, because CALLBACK_REDIS_AUTH=entra uses tokens',
      ],
    ),
    [
      'cosmos',
      { CALLBACK_COSMOS_KEY: 'c2VjcmV0' },
      'CALLBACK_COSMOS_ENDPOINT is missing; CALLBACK_STORE=cosmos needs an account endpoint such as https://NAME.documents.azure.com',
    ],
  ])('reject %s with missing variables: %o', (store, variables, expected) => {
    expect(refusal({ CALLBACK_STORE: store, ...variables })).toEqual([expected]);
  });

  it.each([
    ['CALLBACK_STORE', 'files'],
    ['CALLBACK_STORE', 'Redis'],
    ['AzureWebJobsStorage__accountName', 'Example'],
    ['AzureWebJobsStorage__accountName', 'example.table.core.windows.net'],
    ['AzureWebJobsStorage__tableServiceUri', 'http://example.table.core.windows.net'],
    ['AzureWebJobsStorage__tableServiceUri', 'example.table.core.windows.net'],
    ['CALLBACK_TABLE_NAME', 'callback-events'],
    ['CALLBACK_TABLE_NAME', 'ab'],
    ['CALLBACK_TABLE_NAME', '1events'],
    ['CALLBACK_TABLE_NAME', 'a'.repeat(64)],
    ['CALLBACK_REDIS_URL', 'example.redis.azure.net:10000'],
    ['CALLBACK_REDIS_URL', 'https://example.redis.azure.net'],
    ['CALLBACK_REDIS_URL', 'redis:///0'],
    ['CALLBACK_REDIS_URL', 'redis://localhost/events'],
    ['CALLBACK_REDIS_AUTH', 'Entra'],
    ['CALLBACK_COSMOS_ENDPOINT', 'http://example.documents.azure.com'],
    ['CALLBACK_COSMOS_ENDPOINT', 'AccountEndpoint=https://example.documents.azure.com;AccountKey=c2VjcmV0'],
    ['CALLBACK_COSMOS_KEY', 'not base64!'],
    ['CALLBACK_COSMOS_DATABASE', 'a/b'],
    ['CALLBACK_COSMOS_CONTAINER', 'a#b'],
    ['CALLBACK_COSMOS_CONTAINER', 'a'.repeat(256)],
  ])('reject %s=%s for every store, without repeating the value', (name, value) => {
    const lines = refusal({ [name]: value });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${name}: expected `));
    expect(lines[0]).not.toContain(value);
  });

  it.each([
    ['example', 'The storage connection string lacks AccountName and AccountKey (or SharedAccessSignature).'],
    [
      'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite',
      'The storage connection string has DevelopmentStorageProxyUri, which is not supported: ' +
        'name AccountName, AccountKey and TableEndpoint.',
    ],
    [
      'DefaultEndpointsProtocol=https;AccountName=example',
      'The storage connection string lacks AccountKey (or SharedAccessSignature).',
    ],
    ['DefaultEndpointsProtocol=https;AccountKey=c2VjcmV0', 'The storage connection string lacks AccountName.'],
    [
      'BlobEndpoint=https://example.blob.core.windows.net;SharedAccessSignature=sv=2024',
      'The storage connection string lacks TableEndpoint.',
    ],
    [
      'DefaultEndpointsProtocol=http;AccountName=example;AccountKey=c2VjcmV0;TableEndpoint=http://azurite:10002/example',
      'The address of the table service has to begin with https:// (http on loopback only).',
    ],
    [
      'AccountName=example;AccountKey=c2VjcmV0;TableEndpoint=azurite:10002',
      'The address of the table service has to begin with https:// (http on loopback only).',
    ],
    [
      'AccountName=example;AccountKey=c2VjcmV0;TableEndpoint=10.0.0.4/example',
      'The address of the table service (TableEndpoint) is not a URL.',
    ],
  ])('reject AzureWebJobsStorage=%s for table only, with the reason', (value, reason) => {
    expect(refusal({ CALLBACK_STORE: 'table', AzureWebJobsStorage: value })).toEqual([
      `AzureWebJobsStorage: expected a storage account connection string for CALLBACK_STORE=table: ${reason}`,
    ]);
    expect(refusal({ AzureWebJobsStorage: value })).toEqual([]);
  });

  it('are reported together with all other problems', () => {
    const problems = refusal({
      AZURE_OPENAI_ENDPOINT: undefined,
      CALLBACK_STORE: 'cosmos',
      CALLBACK_COSMOS_KEY: '<your key>',
      CALLBACK_COSMOS_DATABASE: 'a/b',
      CALLBACK_EVENT_TTL_DAYS: '0',
    });
    expect(problems.map((problem) => problem.split(/:| is | still /)[0])).toEqual([
      'CALLBACK_COSMOS_KEY',
      'AZURE_OPENAI_ENDPOINT',
      'CALLBACK_EVENT_TTL_DAYS',
      'CALLBACK_COSMOS_DATABASE',
      'CALLBACK_COSMOS_ENDPOINT',
    ]);
  });

  it.each<[string, Variables]>([
    ['table', { AzureWebJobsStorage__accountName: 'NOT-A-NAME' }],
    ['table', { AzureWebJobsStorage: '<connection string>' }],
    ['redis', { CALLBACK_REDIS_URL: 'https://localhost' }],
    ['redis', { CALLBACK_REDIS_URL: 'redis://<host>' }],
    ['cosmos', { CALLBACK_COSMOS_ENDPOINT: 'http://example.documents.azure.com' }],
  ])('report invalid variables for %s as invalid, not missing: %o', (store, variables) => {
    expect(refusal({ CALLBACK_STORE: store, ...variables })).toEqual([
      expect.stringMatching(new RegExp(`^${Object.keys(variables)[0]}(: expected| still contains a placeholder)`)),
    ]);
  });

  it('never reveal a key or password', () => {
    const secret = 'bm90LWZvci10aGUtbG9n';
    const problems = ['memory', 'table', 'redis', 'cosmos'].flatMap((store) =>
      refusal({
        CALLBACK_STORE: store,
        CALLBACK_STORE_MAX_THREADS: secret,
        CALLBACK_EVENT_TTL_DAYS: secret,
        AzureWebJobsStorage: `AccountKey=${secret}`,
        AzureWebJobsStorage__accountName: `-${secret}`,
        AzureWebJobsStorage__tableServiceUri: `https://user:${secret}@example.table.core.windows.net`,
        CALLBACK_TABLE_NAME: `-${secret}`,
        CALLBACK_REDIS_URL: `http://:${secret}@localhost`,
        CALLBACK_COSMOS_ENDPOINT: `https://user:${secret}@example.documents.azure.com`,
        CALLBACK_COSMOS_KEY: `-${secret}`,
        CALLBACK_COSMOS_DATABASE: `/${secret}`,
        CALLBACK_COSMOS_CONTAINER: `/${secret}`,
      }),
    );
    expect(problems.length).toBeGreaterThan(40);
    expect(problems.join('\n')).not.toContain(secret);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { COSMOS_CONTAINER } from '../../src/storage/cosmos/cosmos-container.js';
import { loadSettings, settingNames } from '../../src/settings/load-settings.js';
import { readCombinations, type Environment } from './snapshot.js';

const projectFolder = path.resolve(__dirname, '../..');
const environments = readCombinations();
const hostJson = JSON.parse(readFileSync(path.join(projectFolder, 'host.json'), 'utf8')) as {
  readonly extensions: { readonly durableTask: { readonly hubName: string } };
};

/** Settings of the Functions host and of Azure's libraries, which the app does not read itself. */
const platformSettings = [
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'AZURE_CLIENT_ID',
  'AzureWebJobsStorage__credential',
  'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
];

/** Settings that Flex Consumption rejects, or that break an app on it. */
const forbiddenOnFlex =
  /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|WEBSITE_(RUN_FROM_PACKAGE|CONTENT.*)|SCM_DO_BUILD.*|ENABLE_ORYX_BUILD|TZ|AzureWebJobsStorage)$/;
function appSettings(environment: Environment): Readonly<Record<string, string>> {
  return environment.only('Web/sites/config').properties;
}

/** An example of the value that a deployment would put into a setting. */
function deployedValue(expression: string): string {
  if (!expression.startsWith('[')) return expression;
  if (expression.includes("'rediss://{0}:{1}'")) return 'rediss://name.westeurope.redis.azure.net:10000';
  if (expression.includes('documentEndpoint')) return 'https://name.documents.azure.com:443/';
  if (expression.includes("'https://{0}.openai.azure.com/'")) return 'https://our-models.openai.azure.com/';
  const id = '55555555-5555-5555-5555-555555555555';
  if (expression.includes("'ClientId={0};Authorization=AAD'")) return `ClientId=${id};Authorization=AAD`;
  if (expression.endsWith(').ConnectionString]')) {
    return `InstrumentationKey=${id};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/`;
  }
  return id;
}

it('the snapshot covers every choice of event store, durable back end and network, and an existing model', () => {
  expect(environments.map(({ name }) => name).toSorted()).toEqual(
    [
      ...['table', 'redis', 'cosmos'].flatMap((eventStore) =>
        ['storage', 'scheduler'].flatMap((durableBackend) =>
          ['public', 'private'].map((network) => `${eventStore}-${durableBackend}-${network}`),
        ),
      ),
      'existing-model',
    ].toSorted(),
  );
});

describe.each(environments)('the template for $name', (environment) => {
  const { eventStore, durableBackend, isPrivate, isNewModel } = environment;

  it('sets only variables that the app or the platform reads, and none that Flex Consumption forbids', () => {
    const names = Object.keys(appSettings(environment));
    expect(names.filter((name) => !settingNames.includes(name) && !platformSettings.includes(name))).toEqual([]);
    expect(names.filter((name) => forbiddenOnFlex.test(name))).toEqual([]);
    expect(names.includes('DURABLE_TASK_SCHEDULER_CONNECTION_STRING')).toBe(durableBackend === 'scheduler');
  });

  it('writes settings that the app accepts, with the chosen event store and without keys', () => {
    const settings = loadSettings(
      Object.fromEntries(Object.entries(appSettings(environment)).map(([name, value]) => [name, deployedValue(value)])),
    );
    expect(settings.callbackStore).toMatchObject({ kind: eventStore, ttlDays: 90 });
    expect(settings.agent.allowedRoles).toEqual(['user']);
    // With local authentication disabled, the telemetry connection string is not a secret.
    const { telemetry, ...others } = settings;
    expect(telemetry?.applicationInsights?.identityClientId).toBe(deployedValue('[clientId]'));
    expect(JSON.stringify(others)).not.toMatch(/"(key|apiKey|password|connectionString)"/i);
    expect(settings.warnings).toEqual([]);
  });

  it('runs on Flex Consumption with valid values', () => {
    const { sku, properties: plan } = environment.only('Web/serverfarms');
    expect([sku?.name, plan.reserved]).toEqual(['FC1', true]);
    const site = environment.only('Web/sites');
    const { runtime, scaleAndConcurrency, siteUpdateStrategy, deployment } = site.properties.functionAppConfig;
    expect(runtime).toEqual({ name: 'node', version: '22' });
    expect([512, 2048, 4096]).toContain(scaleAndConcurrency.instanceMemoryMB);
    expect(scaleAndConcurrency.maximumInstanceCount).toBeGreaterThanOrEqual(40);
    expect(scaleAndConcurrency.maximumInstanceCount).toBeLessThanOrEqual(1000);
    for (const { name } of scaleAndConcurrency.alwaysReady) expect(['http', 'durable']).toContain(name);
    expect(['Recreate', 'RollingUpdate']).toContain(siteUpdateStrategy.type);
    expect(deployment.storage.type).toBe('blobContainer');
    expect(site.properties).not.toHaveProperty('siteConfig.healthCheckPath');
    expect(site.tags).toMatchObject({ 'azd-service-name': 'api', 'azd-env-name': environment.name });
  });

  it('allows an instance as many streams as the app accepts', () => {
    const { scaleAndConcurrency } = environment.only('Web/sites').properties.functionAppConfig;
    const { callbackStreams } = loadSettings({
      AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com',
      AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'chat',
    });
    expect(scaleAndConcurrency.triggers.http.perInstanceConcurrency).toBeLessThanOrEqual(callbackStreams.maxOpen);
  });

  it('uses service tiers and sizes that Azure offers', () => {
    expect(environment.only('Storage/storageAccounts').sku?.name).toBe('Standard_LRS');
    expect(environment.only('OperationalInsights/workspaces').properties.sku.name).toBe('PerGB2018');
    for (const { sku } of environment.all('Cache/redisEnterprise')) expect(sku?.name).toBe('Balanced_B0');
    for (const { properties } of environment.all('Cache/redisEnterprise/databases')) {
      expect(properties).toMatchObject({ clusteringPolicy: 'EnterpriseCluster', evictionPolicy: 'NoEviction' });
    }
    for (const { properties } of environment.all('DurableTask/schedulers')) {
      expect(properties).toMatchObject({ sku: { name: 'Consumption' }, ipAllowlist: ['0.0.0.0/0'] });
    }
    for (const { sku } of environment.all('CognitiveServices/accounts/deployments')) {
      expect(sku).toEqual({ name: 'GlobalStandard', capacity: 30 });
    }
  });

  it('creates a model only if none was named', () => {
    expect(environment.all('CognitiveServices/accounts')).toHaveLength(isNewModel ? 1 : 0);
    expect(environment.all('CognitiveServices/accounts/deployments')).toHaveLength(isNewModel ? 1 : 0);
    for (const { location } of environment.all('CognitiveServices/accounts')) expect(location).toBe('swedencentral');
  });

  it('defines the same Cosmos DB container as the app', () => {
    for (const { properties } of environment.all('DocumentDB/databaseAccounts/sqlDatabases/containers')) {
      const { indexingPolicy, partitionKey, defaultTtl } = properties.resource;
      expect({ indexingPolicy, partitionKey }).toMatchObject(COSMOS_CONTAINER);
      expect(defaultTtl).toBeUndefined();
    }
  });

  it('creates the services of the chosen options, and no others', () => {
    expect(environment.all('Cache/redisEnterprise')).toHaveLength(eventStore === 'redis' ? 1 : 0);
    expect(environment.all('DocumentDB/databaseAccounts')).toHaveLength(eventStore === 'cosmos' ? 1 : 0);
    expect(environment.all('DurableTask/schedulers')).toHaveLength(durableBackend === 'scheduler' ? 1 : 0);
    expect(environment.all('Network/virtualNetworks')).toHaveLength(isPrivate ? 1 : 0);
    for (const { name } of environment.all('DurableTask/schedulers/taskHubs')) {
      expect(name.split('/').at(-1)).toBe(hostJson.extensions.durableTask.hubName);
    }
  });

  it('alerts on failed requests, failed runs and lost events', () => {
    expect(environment.only('Insights/metricAlerts').properties.criteria.allOf[0].metricName).toBe('requests/failed');
    const texts = environment.all('Insights/scheduledQueryRules').map(({ properties }) => {
      const [{ query }] = properties.criteria.allOf;
      return /^AppTraces \| where Message contains "([^"]+)"$/.exec(query)?.[1] ?? query;
    });
    expect(texts).toHaveLength(2);
    const source = readSource();
    for (const text of texts)
      expect(source, `src logs "${text}", which infra/modules/alerts.bicep looks for`).toContain(text);
    const actionGroups = environment.all('Insights/actionGroups');
    const told = environment.only('Insights/metricAlerts').properties.actions;
    expect(told).toEqual(actionGroups.map(({ id }) => ({ actionGroupId: id })));
  });
});

function readSource(): string {
  const folder = path.join(projectFolder, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
}

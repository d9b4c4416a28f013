import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { COSMOS_CONTAINER } from '../../src/storage/cosmos/cosmos-container.js';
import { loadSettings, settingNames } from '../../src/settings/load-settings.js';
import { readCombinations, type Environment, type Resource } from './snapshot.js';

const projectFolder = path.resolve(__dirname, '../..');
const environments = readCombinations();
const hostJson = JSON.parse(readFileSync(path.join(projectFolder, 'host.json'), 'utf8')) as {
  readonly extensions: { readonly durableTask: { readonly hubName: string } };
};

/** Ids of Azure's built-in roles. */
const roleNames: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '0ad04412-c4d5-4796-b79c-f76d14c8d402': 'Durable Task Data Contributor',
  '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd': 'Cognitive Services OpenAI User',
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

/** How each type with keys turns them off. */
const withoutKeys: Readonly<Record<string, object>> = {
  'Microsoft.Storage/storageAccounts': { allowSharedKeyAccess: false, allowBlobPublicAccess: false },
  'Microsoft.CognitiveServices/accounts': { disableLocalAuth: true },
  'Microsoft.Insights/components': { DisableLocalAuth: true },
  'Microsoft.OperationalInsights/workspaces': { features: { disableLocalAuth: true } },
  'Microsoft.Cache/redisEnterprise/databases': { accessKeysAuthentication: 'Disabled', clientProtocol: 'Encrypted' },
  'Microsoft.DocumentDB/databaseAccounts': { disableLocalAuth: true, disableKeyBasedMetadataWriteAccess: true },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': { allow: false },
};

/** Types without keys. Add new types here or above. */
const keyless = [
  'Microsoft.Authorization/roleAssignments',
  'Microsoft.Cache/redisEnterprise',
  'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments',
  'Microsoft.CognitiveServices/accounts/deployments',
  'Microsoft.DocumentDB/databaseAccounts/sqlDatabases',
  'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers',
  'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments',
  'Microsoft.DurableTask/schedulers',
  'Microsoft.DurableTask/schedulers/taskHubs',
  'Microsoft.Insights/actionGroups',
  'Microsoft.Insights/metricAlerts',
  'Microsoft.Insights/scheduledQueryRules',
  'Microsoft.ManagedIdentity/userAssignedIdentities',
  'Microsoft.Network/privateDnsZones',
  'Microsoft.Network/privateDnsZones/virtualNetworkLinks',
  'Microsoft.Network/privateEndpoints',
  'Microsoft.Network/privateEndpoints/privateDnsZoneGroups',
  'Microsoft.Network/virtualNetworks',
  'Microsoft.Resources/resourceGroups',
  'Microsoft.Storage/storageAccounts/blobServices',
  'Microsoft.Storage/storageAccounts/blobServices/containers',
  'Microsoft.Web/serverfarms',
  'Microsoft.Web/sites',
  'Microsoft.Web/sites/config',
];

/** Types that the internet can reach, apart from the app itself. */
const reachable = [
  'Microsoft.Cache/redisEnterprise',
  'Microsoft.CognitiveServices/accounts',
  'Microsoft.DocumentDB/databaseAccounts',
  'Microsoft.DurableTask/schedulers',
  'Microsoft.Storage/storageAccounts',
];

const DEPLOYER = '33333333-3333-3333-3333-333333333333';

/** Role assignments as `WHO: ROLE: SCOPE`. */
function assignedRoles(environment: Environment): string[] {
  return environment.all('Authorization/roleAssignments').map(({ id, properties }) => {
    const role = roleNames[properties.roleDefinitionId.split('/').at(-1)] ?? properties.roleDefinitionId;
    const scope = id.split('/providers/')[1]?.split('/')[1];
    return `${who(properties.principalId)}: ${role}: ${scope}`;
  });
}

/** An expression is the app's identity if it reads the principal id of the only identity. */
function who(principalId: string): string {
  if (principalId === DEPLOYER) return 'deployer';
  return /^\[reference\('[^']*\/userAssignedIdentities\/[^']*', '[^']*'\)\.principalId\]$/.test(principalId)
    ? 'app'
    : principalId;
}

function expectedRoles({ eventStore, durableBackend }: Environment): string[] {
  const isStorage = durableBackend === 'storage';
  return [
    'app: Monitoring Metrics Publisher: components',
    'app: Storage Blob Data Owner: storageAccounts',
    ...(isStorage ? ['app: Storage Queue Data Contributor: storageAccounts'] : []),
    ...(isStorage || eventStore === 'table' ? ['app: Storage Table Data Contributor: storageAccounts'] : []),
    'app: Cognitive Services OpenAI User: accounts',
    'deployer: Cognitive Services OpenAI User: accounts',
    ...(isStorage
      ? []
      : ['app: Durable Task Data Contributor: schedulers', 'deployer: Durable Task Data Contributor: schedulers']),
  ];
}

function appSettings(environment: Environment): Readonly<Record<string, string>> {
  return environment.only('Web/sites/config').properties;
}

/** A value of the form that a deployment would put into a setting. */
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
  const { eventStore, durableBackend, isPrivate, isNewModel, resources } = environment;

  it('assigns the roles that the app and the deployer need, and no others', () => {
    expect(assignedRoles(environment).toSorted()).toEqual(expectedRoles(environment).toSorted());
    expect(environment.all('ManagedIdentity/userAssignedIdentities')).toHaveLength(1);
  });

  it('names the type of each principal, because Azure rejects a wrong one', () => {
    const kinds = environment
      .all('Authorization/roleAssignments')
      .map(({ properties }) => `${who(properties.principalId)} ${properties.principalType}`);
    expect(new Set(kinds)).toEqual(new Set(['app ServicePrincipal', 'deployer User']));
  });

  it('gives the app access to the data of its event store', () => {
    const cosmosRoles = environment.all('DocumentDB/databaseAccounts/sqlRoleAssignments');
    const redisUsers = environment.all('Cache/redisEnterprise/databases/accessPolicyAssignments');
    expect(cosmosRoles).toHaveLength(eventStore === 'cosmos' ? 1 : 0);
    expect(redisUsers).toHaveLength(eventStore === 'redis' ? 1 : 0);
    for (const { properties } of cosmosRoles) {
      const account = environment.only('DocumentDB/databaseAccounts').id;
      expect(who(properties.principalId)).toBe('app');
      expect(properties.scope).toBe(account);
      expect(properties.roleDefinitionId).toBe(`${account}/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002`);
    }
    for (const { properties } of redisUsers) {
      expect(properties.accessPolicyName).toBe('default');
      expect(who(properties.user.objectId)).toBe('app');
    }
  });

  it('disables the keys of every service', () => {
    for (const { type, properties } of resources) {
      expect([...Object.keys(withoutKeys), ...keyless]).toContain(type);
      expect(properties ?? {}).toMatchObject(withoutKeys[type] ?? {});
    }
    const policies = environment.all('Web/sites/basicPublishingCredentialsPolicies');
    expect(new Set(policies.map(({ name }) => name.split('/')[1]))).toEqual(new Set(['ftp', 'scm']));
  });

  it('reads no keys', () => {
    expect(JSON.stringify(resources)).not.toMatch(/\blist[A-Z]\w*\(/);
  });

  it('requires TLS 1.2 or later, and https', () => {
    expect(environment.only('Web/sites').properties).toMatchObject({
      httpsOnly: true,
      siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2' },
    });
    expect(environment.only('Storage/storageAccounts').properties).toMatchObject({
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
    });
    for (const { properties } of environment.all('Cache/redisEnterprise')) {
      expect(properties.minimumTlsVersion).toBe('1.2');
    }
    for (const { properties } of environment.all('DocumentDB/databaseAccounts')) {
      expect(properties.minimalTlsVersion).toBe('Tls12');
    }
  });

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

  it('uses the same identity everywhere', () => {
    const settings = appSettings(environment);
    const clientId = settings['AZURE_CLIENT_ID'] ?? '';
    expect(clientId).toMatch(/^\[reference\('[^']*\/userAssignedIdentities\/id-\w+', '[^']*'\)\.clientId\]$/);
    expect(settings).toMatchObject({
      AzureWebJobsStorage__credential: 'managedidentity',
      AzureWebJobsStorage__clientId: clientId,
    });
    const reference = clientId.slice(1, -1);
    expect(settings['APPLICATIONINSIGHTS_AUTHENTICATION_STRING']).toBe(
      `[format('ClientId={0};Authorization=AAD', ${reference})]`,
    );
    const site = environment.only('Web/sites') as Resource & { readonly identity: unknown };
    const identity = environment.only('ManagedIdentity/userAssignedIdentities').id;
    expect(site.identity).toEqual({ type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } });
    expect(site.properties.functionAppConfig.deployment.storage.authentication).toEqual({
      type: 'UserAssignedIdentity',
      userAssignedIdentityResourceId: identity,
    });
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

  it('exposes services to the internet only without a private network', () => {
    for (const { type, properties } of resources.filter((resource) => reachable.includes(resource.type))) {
      expect({ type, publicNetworkAccess: properties.publicNetworkAccess }).toEqual({
        type,
        publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled',
      });
    }
    const site = environment.only('Web/sites').properties;
    const subnet = isPrivate ? `${environment.only('Network/virtualNetworks').id}/subnets/app` : undefined;
    expect(site.virtualNetworkSubnetId ?? undefined).toBe(subnet);
  });

  it('gives each service a private endpoint with DNS', () => {
    const zonesByGroup = new Map(
      environment.all('Network/privateEndpoints').map(({ name, properties }) => {
        const [{ properties: connection }] = properties.privateLinkServiceConnections;
        const zones = environment
          .all('Network/privateEndpoints/privateDnsZoneGroups')
          .find((group) => group.name === `${name}/default`)?.properties.privateDnsZoneConfigs;
        return [
          connection.groupIds.join(),
          zones.map((zone: Resource) => zone.properties.privateDnsZoneId.split('/').at(-1)),
        ] as const;
      }),
    );
    const expected = new Map(isPrivate ? expectedZones(environment) : []);
    expect(zonesByGroup).toEqual(expected);
    const zones = environment.all('Network/privateDnsZones').map(({ name }) => name);
    const linked = environment.all('Network/privateDnsZones/virtualNetworkLinks').map(({ name }) => name.split('/')[0]);
    expect(zones.toSorted()).toEqual([...expected.values()].flat().toSorted());
    expect(new Set(linked)).toEqual(new Set(zones));
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

/** Private DNS zones by the group id of an endpoint. */
function expectedZones({ isNewModel, durableBackend, eventStore }: Environment): [group: string, zones: string[]][] {
  const modelZones = ['openai.azure.com', 'cognitiveservices.azure.com', 'services.ai.azure.com'];
  const byGroup: Readonly<Record<string, readonly string[]>> = {
    blob: ['blob.core.windows.net'],
    queue: ['queue.core.windows.net'],
    table: ['table.core.windows.net'],
    ...(isNewModel && { account: modelZones }),
    ...(durableBackend === 'scheduler' && { scheduler: ['durabletask.io'] }),
    ...(eventStore === 'redis' && { redisEnterprise: ['redis.azure.net'] }),
    ...(eventStore === 'cosmos' && { Sql: ['documents.azure.com'] }),
  };
  return Object.entries(byGroup).map(([group, zones]) => [group, zones.map((zone) => `privatelink.${zone}`)]);
}

function readSource(): string {
  const folder = path.join(projectFolder, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
}

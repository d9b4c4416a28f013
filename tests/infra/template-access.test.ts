import { describe, expect, it } from 'vitest';
import { readCombinations, type Environment, type Resource } from './snapshot.js';

const environments = readCombinations();

/** Ids of Azure's built-in roles. */
const roleNames: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '0ad04412-c4d5-4796-b79c-f76d14c8d402': 'Durable Task Data Contributor',
  '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd': 'Cognitive Services OpenAI User',
};

/** Settings that disable access keys, by resource type. */
const withoutKeys: Readonly<Record<string, object>> = {
  'Microsoft.Storage/storageAccounts': { allowSharedKeyAccess: false, allowBlobPublicAccess: false },
  'Microsoft.CognitiveServices/accounts': { disableLocalAuth: true },
  'Microsoft.Insights/components': { DisableLocalAuth: true },
  'Microsoft.OperationalInsights/workspaces': { features: { disableLocalAuth: true } },
  'Microsoft.Cache/redisEnterprise/databases': { accessKeysAuthentication: 'Disabled', clientProtocol: 'Encrypted' },
  'Microsoft.DocumentDB/databaseAccounts': { disableLocalAuth: true, disableKeyBasedMetadataWriteAccess: true },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': { allow: false },
};

/** Resource types without access keys. Add new types here or to `withoutKeys`. */
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

describe.each(environments)('the template for $name', (environment) => {
  const { eventStore, resources } = environment;

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

  it('uses the same identity everywhere', () => {
    const settings = environment.only('Web/sites/config').properties;
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
});

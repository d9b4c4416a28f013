import { describe, expect, it } from 'vitest';
import { readCombinations, type Environment, type Resource } from './snapshot.js';

const environments = readCombinations();

/** Types that the internet can reach, apart from the app itself. */
const reachable = [
  'Microsoft.Cache/redisEnterprise',
  'Microsoft.CognitiveServices/accounts',
  'Microsoft.DocumentDB/databaseAccounts',
  'Microsoft.DurableTask/schedulers',
  'Microsoft.Storage/storageAccounts',
];

describe.each(environments)('the template for $name', (environment) => {
  const { isPrivate, resources } = environment;

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

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { sample, stringMatching, uniqueArray } from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Bicep, isBicepMissing, writeParameters } from './bicep.js';
import { readSnapshot, type Resource } from './snapshot.js';

const template = path.resolve(__dirname, '../../infra/main.bicep');

interface ArmTemplate {
  readonly parameters: Readonly<
    Record<string, { readonly allowedValues?: readonly unknown[]; defaultValue?: unknown }>
  >;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
}

/** Azure's rules for names, by type: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const nameRules: Readonly<Record<string, RegExp>> = {
  'Resources/resourceGroups': /^[\w().-]{0,89}[\w()-]$/,
  'ManagedIdentity/userAssignedIdentities': /^[A-Za-z0-9][\w-]{2,127}$/,
  'OperationalInsights/workspaces': /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
  'Insights/components': /^[\w().-]{0,259}[\w()-]$/,
  'Insights/actionGroups': /^[^:<>+/&%\\?|]{0,259}[^:<>+/&%\\?|. ]$/,
  'Insights/metricAlerts': /^[^*#&+:<>?@%{}\\/|]{0,259}[^*#&+:<>?@%{}\\/|. ]$/,
  'Insights/scheduledQueryRules': /^[^*<>%{}&:\\?/#]{0,259}[^*<>%{}&:\\?/#. ]$/,
  'Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
  'CognitiveServices/accounts': /^[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]$/,
  'DurableTask/schedulers': /^[A-Za-z0-9-]{3,64}$/,
  'Cache/redisEnterprise': /^(?!.*--)[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]$/,
  'DocumentDB/databaseAccounts': /^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$/,
  'Web/serverfarms': /^[A-Za-z0-9-]{1,60}$/,
  'Web/sites': /^[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]$/,
  'Network/virtualNetworks': /^[A-Za-z0-9][\w.-]{0,62}\w$/,
  'Network/privateEndpoints': /^[A-Za-z0-9][\w.-]{0,62}\w$/,
};

/** Types whose names must be globally unique. */
const globalTypes = [
  'Storage/storageAccounts',
  'CognitiveServices/accounts',
  'Web/sites',
  'DocumentDB/databaseAccounts',
];

/** azd accepts these characters, up to 64 of them. */
const environmentName = stringMatching(/^[A-Za-z0-9\-()_.]{1,64}$/);

/** Resource types whose names are constants or GUIDs. */
const fixedNames =
  /\/(databases|blobServices|taskHubs|deployments|sqlDatabases|sqlRoleAssignments|config|basic\w+|privateDnsZone\w*|containers|access\w+)(\/|$)|^Microsoft\.(Authorization|Network\/privateDns)/;

describe.skipIf(isBicepMissing)('the template, compiled (needs /usr/bin/dotnet)', () => {
  let bicep: Bicep;
  let compiled: { readonly template: unknown; readonly diagnostics: string };

  beforeAll(async () => {
    bicep = await Bicep.fetch();
    compiled = await bicep.build(template);
  });

  it('compiles and passes the linter without a warning', () => {
    // The compiler also runs the linter.
    expect(compiled.diagnostics).toBe('');
  });

  it('matches the committed snapshot', async () => {
    // To accept a change: UPDATE_SNAPSHOT=1 npx vitest run tests/infra
    const parameters = path.join(__dirname, 'combinations.bicepparam');
    if (process.env['UPDATE_SNAPSHOT'] === '1') await bicep.writeSnapshot(parameters);
    expect(await bicep.validateSnapshot(parameters)).toBe('');
  });

  it('offers the event stores that work on more than one instance', () => {
    const { parameters } = compiled.template as ArmTemplate;
    expect(parameters['eventStore']?.allowedValues).toEqual(['table', 'redis', 'cosmos']);
  });

  it('outputs addresses and names for azd, and no secret', () => {
    const { outputs } = compiled.template as ArmTemplate;
    expect(Object.keys(outputs).toSorted()).toEqual([
      'AZURE_LOCATION',
      'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME',
      'AZURE_OPENAI_ENDPOINT',
      'AZURE_RESOURCE_GROUP',
      'AZURE_TENANT_ID',
      'CALLBACK_STORE',
      'DURABLE_BACKEND',
      'SERVICE_API_NAME',
      'SERVICE_API_URI',
    ]);
    expect(JSON.stringify(compiled.template)).not.toMatch(/\blist[A-Z]\w*\(/);
    for (const { value } of Object.values(outputs)) expect(value).not.toMatch(/key|secret|password|connectionString/i);
  });

  it('takes each parameter from main.parameters.json or asks for it', async () => {
    const file = path.resolve(template, '../main.parameters.json');
    const given = JSON.parse(await readFile(file, 'utf8')) as {
      readonly parameters: Record<string, { value: string }>;
    };
    const { parameters } = compiled.template as ArmTemplate;
    expect(Object.keys(given.parameters).toSorted()).toEqual(Object.keys(parameters).toSorted());
    for (const [name, { value }] of Object.entries(given.parameters)) {
      const [, variable, fallback] = /^\$\{([A-Z0-9_]+)(?:=(.*))?\}$/.exec(value) ?? [];
      expect({ name, variable }).toEqual({ name, variable: expect.any(String) });
      const { defaultValue } = parameters[name] ?? {};
      // azd sets these four itself, or asks.
      if (['environmentName', 'location', 'modelLocation', 'principalId'].includes(name)) continue;
      expect({ name, fallback }).toEqual({ name, fallback: String(defaultValue) });
    }
  });

  it('generates valid and distinct resource names for 40 environments', async () => {
    const folder = await mkdtemp(path.join(__dirname, 'names-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    // Resource group names ignore case.
    const names = sample(uniqueArray(environmentName, { minLength: 40, maxLength: 40, selector: lower }), 1)[0];
    const file = await writeParameters(
      folder,
      (names ?? []).map((name, index) => ({
        name,
        eventStore: ['redis', 'cosmos', 'table'][index % 3],
        durableBackend: index % 2 === 0 ? 'scheduler' : 'storage',
        privateNetwork: index % 8 === 0,
      })),
    );
    await bicep.writeSnapshot(file);
    const groups = readSnapshot(file.replace(/bicepparam$/, 'snapshot.json'));
    expect(groups.size).toBe(40);
    const resources = [...groups.values()].flat();
    for (const { type, name } of resources.filter((resource) => !fixedNames.test(resource.type))) {
      const rule = nameRules[type.replace('Microsoft.', '')];
      expect({ type, isValid: rule?.test(name), name }).toEqual({ type, isValid: true, name });
    }
    for (const type of globalTypes) {
      const ofType = resources.filter((resource: Resource) => resource.type === `Microsoft.${type}`);
      expect(new Set(ofType.map(({ name }) => name)).size).toBe(ofType.length);
    }
  });
});

function lower(name: string): string {
  return name.toLowerCase();
}

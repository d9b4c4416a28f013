import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectSettings, readSetting } from '../../local/app-environment.js';
import { LaunchError } from '../../local/launch-error.js';
import { readLocalSettings } from '../../local/local-settings.js';
import { makeFolder } from './support/folders.js';

async function read(text: string): Promise<unknown> {
  return readLocalSettings(await makeFolder({ 'local.settings.json': text }));
}

describe('local.settings.json', () => {
  it('may be missing', async () => {
    expect(await readLocalSettings(await makeFolder())).toEqual({
      found: false,
      values: {},
      port: undefined,
      cors: undefined,
    });
  });

  it('contains values as text, the port and the CORS origins', async () => {
    const text = JSON.stringify({
      IsEncrypted: false,
      Values: { NAME: 'value', NUMBER: 12, FLAG: true, NOTHING: null, EMPTY: '' },
      Host: { LocalHttpPort: 7072, CORS: 'http://localhost:3000, https://example.com', CORSCredentials: true },
      ConnectionStrings: {},
    });
    expect(await read(text)).toEqual({
      found: true,
      values: { NAME: 'value', NUMBER: '12', FLAG: 'true', EMPTY: '' },
      port: 7072,
      cors: { origins: ['http://localhost:3000', 'https://example.com'], credentials: true },
    });
  });

  it('may list CORS origins with a slash at their end', async () => {
    const text = JSON.stringify({ Host: { CORS: 'http://localhost:3000/,*' } });
    expect(await read(text)).toMatchObject({ cors: { origins: ['http://localhost:3000', '*'] } });
  });

  it.each(['utf16le', 'latin1'] as const)('is rejected in another encoding than UTF-8: %s', async (encoding) => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, 'local.settings.json'), Buffer.from('\uFEFF{"Values":{"A":"ü"}}', encoding));
    await expect(readLocalSettings(folder)).rejects.toThrow(/local\.settings\.json is not UTF-8/);
  });

  it('may spell its names in any case, like with Core Tools', async () => {
    const text = JSON.stringify({
      values: { Name: 'value' },
      HOST: { localhttpport: 7072, Cors: 'http://localhost:3000' },
    });
    expect(await read(text)).toMatchObject({
      values: { Name: 'value' },
      port: 7072,
      cors: { origins: ['http://localhost:3000'], credentials: false },
    });
  });

  it('may contain comments, trailing commas and a byte order mark, and strings that look like them', async () => {
    const text = '\uFEFF{ // first\n "Values": { /* second */ "URL": "https://a/*b*/,}", "TEXT": "\\"//,]", }, }';
    expect(await read(text)).toMatchObject({ values: { URL: 'https://a/*b*/,}', TEXT: '"//,]' } });
  });

  it.each([
    ['{ "Values": { "NAME": ', 'is not valid JSON'],
    ['', 'is not valid JSON'],
    ['[]', 'is invalid'],
    ['{ "Values": { "NAME": { "nested": 1 } } }', 'Values.NAME'],
    ['{ "Host": { "LocalHttpPort": "seven" } }', 'Host.LocalHttpPort'],
    ['{ "AZURE_OPENAI_ENDPOINT": "https://example.com", "Host": {} }', 'outside of "Values": AZURE_OPENAI_ENDPOINT'],
    ['{ "IsEncrypted": true, "Values": { "NAME": "AQAA" } }', 'func settings decrypt'],
  ])('is rejected with its path and the reason if it contains %j', async (text, reason) => {
    const error: unknown = await read(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LaunchError);
    expect(String(error)).toContain('local.settings.json');
    expect(String(error)).toContain(reason);
  });
});

describe('the settings of the app', () => {
  const sources = {
    environment: { BOTH: 'from the environment', BLANK: '' },
    fileValues: {
      BOTH: 'from the file',
      BLANK: 'from the file',
      ONLY_FILE: 'from the file',
      FUNCTIONS_WORKER_RUNTIME: '',
    },
  };

  it('come from the environment, then the file, then the defaults, and empty means unset', () => {
    const names = ['BOTH', 'BLANK', 'ONLY_FILE', 'FUNCTIONS_WORKER_RUNTIME', 'NOWHERE'];
    expect(names.map((name) => readSetting(sources, name))).toEqual([
      'from the environment',
      'from the file',
      'from the file',
      'node',
      undefined,
    ]);
  });

  it('are passed on unless the environment sets them', () => {
    expect(collectSettings(sources)).toEqual({
      BLANK: 'from the file',
      ONLY_FILE: 'from the file',
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    });
  });

  it('set the task hub for any Functions host if only TASKHUB_NAME is set', () => {
    const override = 'AzureFunctionsJobHost__extensions__durableTask__hubName';
    const named = { environment: {}, fileValues: { TASKHUB_NAME: 'mine' } };
    expect(collectSettings(named)[override]).toBe('mine');
    expect(collectSettings({ ...named, fileValues: { TASKHUB_NAME: 'mine', [override]: 'other' } })[override]).toBe(
      'other',
    );
    expect(collectSettings({ ...named, environment: { [override]: 'other' } })).not.toHaveProperty(override);
    expect(collectSettings({ environment: {}, fileValues: {} })).not.toHaveProperty(override);
  });

  it('bypass a proxy for requests to this machine', () => {
    const proxy = { HTTP_PROXY: 'http://proxy.example:8080' };
    const hosts = 'localhost,127.0.0.1,::1,[::1]';
    expect(collectSettings({ environment: proxy, fileValues: {} })).toMatchObject({ NO_PROXY: hosts, no_proxy: hosts });
    expect(collectSettings({ environment: { ...proxy, NO_PROXY: 'intern.example' }, fileValues: {} })).toMatchObject({
      NO_PROXY: `intern.example,${hosts}`,
      no_proxy: `intern.example,${hosts}`,
    });
    expect(collectSettings({ environment: {}, fileValues: {} })).not.toHaveProperty('NO_PROXY');
  });

  it('can be overridden, even those of the environment', () => {
    expect(collectSettings(sources, { BOTH: 'offline' })).toMatchObject({ BOTH: 'offline' });
  });
});

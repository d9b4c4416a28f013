import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';
import { StorageError } from '../../src/storage/storage-error.js';
import type { ServiceSettings, StoreSettings } from '../../src/storage/store-settings.js';
import { createRecordingLog } from '../support/recording-log.js';

const BUILT_FILE = path.resolve(__dirname, '../../dist/src/storage/create-key-value-store.js');

/** A port without a server. */
const CLOSED = '127.0.0.1:1';
const SECRET = Buffer.from('the secret key').toString('base64');

const redis: ServiceSettings = { kind: 'redis', url: `redis://:${SECRET}@${CLOSED}` };
const cosmosByKey: ServiceSettings = {
  kind: 'cosmos',
  endpoint: `http://${CLOSED}`,
  key: SECRET,
  database: 'agents',
  container: 'events',
};
const { key: _key, ...cosmosByIdentity } = cosmosByKey;
const tableByKey: ServiceSettings = {
  kind: 'table',
  account: {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=${SECRET};TableEndpoint=http://${CLOSED}/a;`,
  },
  tableName: 'CallbackEvents',
};
const tableByIdentity: ServiceSettings = {
  kind: 'table',
  account: { url: `https://${CLOSED}`, clientId: 'an-identity' },
  tableName: 'CallbackEvents',
};

/** Creates stores one after another in a new process. @returns the SDKs loaded after each of them */
async function loadedSdks(settings: readonly StoreSettings[]): Promise<string[][]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'loaded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const program = `
    const { createKeyValueStore } = require(${JSON.stringify(BUILT_FILE)});
    const { takeCoverage, stopCoverage } = require('node:v8');
    (async () => {
      for (const settings of ${JSON.stringify(settings)}) {
        await new Promise((warn) => {
          const store = createKeyValueStore(settings, { info() {}, error() {}, warn });
          store.ping().then(warn, () => {});
        });
        takeCoverage();
      }
      stopCoverage();
      process.exit();
    })();`;
  // Coverage lists every loaded script, however it was loaded.
  const env = { ...process.env, NODE_V8_COVERAGE: folder, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' };
  await promisify(execFile)(process.execPath, ['--eval', program], { env });
  const files = (await readdir(folder)).toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  const sdk = /\/node_modules\/(@azure\/(?:cosmos|data-tables|identity)|redis)\//;
  const loaded = new Set<string>();
  const steps: string[][] = [];
  for (const name of files) {
    const report: { result: { url: string }[] } = JSON.parse(await readFile(path.join(folder, name), 'utf8'));
    for (const { url } of report.result) {
      const [, found] = sdk.exec(url) ?? [];
      if (found !== undefined) loaded.add(found);
    }
    steps.push([...loaded]);
  }
  return steps;
}

describe('createKeyValueStore', () => {
  it('loads only the SDK of the chosen service, and the identity SDK only without a key', async () => {
    const settings = [{ kind: 'memory' }, redis, cosmosByKey, tableByKey, tableByIdentity] as const;
    expect(await loadedSdks(settings)).toEqual([
      [],
      ['redis'],
      ['redis', '@azure/cosmos'],
      ['redis', '@azure/cosmos', '@azure/data-tables'],
      ['redis', '@azure/cosmos', '@azure/data-tables', '@azure/identity'],
    ]);
    expect((await loadedSdks([cosmosByIdentity]))[0]?.toSorted()).toEqual(['@azure/cosmos', '@azure/identity']);
  });

  it.each([redis, cosmosByKey, tableByKey])(
    'warns once if the service cannot be reached, without address and key, and rejects requests ($kind)',
    async (settings) => {
      const log = createRecordingLog();
      const store = createKeyValueStore(settings, log);
      onTestFinished(() => store.close());
      await expect(store.read({ partition: 'a', key: 'b' })).rejects.toThrow(StorageError);
      await expect.poll(() => log.lines).toHaveLength(1);
      await expect(store.read({ partition: 'a', key: 'b' })).rejects.toThrow(StorageError);
      const [line] = log.lines;
      expect(log.lines).toEqual([line]);
      expect(line).toMatch(new RegExp(`^warn The store \\(${settings.kind}\\) cannot be reached \\(\\w+\\)`));
      expect(line).not.toContain(CLOSED);
      expect(line).not.toContain(SECRET);
    },
  );
});

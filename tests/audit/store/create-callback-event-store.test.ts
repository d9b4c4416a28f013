import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CallbackStoreSettings } from '../../../src/audit/store/callback-store-settings.js';
import { createCallbackEventStore } from '../../../src/audit/store/create-callback-event-store.js';
import { EventStoreError } from '../../../src/audit/store/event-store-error.js';
import { writerFor } from '../../support/append-events.js';
import { thread } from '../../support/callback-events.js';
import { createRecordingLog } from '../../support/recording-log.js';

const BUILT_FILE = path.resolve(__dirname, '../../../dist/src/audit/store/create-callback-event-store.js');

/** Nobody listens there. */
const CLOSED = '127.0.0.1:1';
const SECRET = Buffer.from('the secret key').toString('base64');

const memory: CallbackStoreSettings = { kind: 'memory', maxThreads: 1, maxEventsPerThread: 1, maxBytes: 1 };
const redis: CallbackStoreSettings = { kind: 'redis', url: `redis://:${SECRET}@${CLOSED}` };
const cosmosByKey: CallbackStoreSettings = {
  kind: 'cosmos',
  endpoint: `http://${CLOSED}`,
  key: SECRET,
  database: 'agents',
  container: 'events',
};
const { key: _key, ...cosmosByIdentity } = cosmosByKey;
const tableByKey: CallbackStoreSettings = {
  kind: 'table',
  account: {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=${SECRET};TableEndpoint=http://${CLOSED}/a;`,
  },
  tableName: 'CallbackEvents',
};
const tableByIdentity: CallbackStoreSettings = {
  kind: 'table',
  account: { url: `https://${CLOSED}`, clientId: 'an-identity' },
  tableName: 'CallbackEvents',
};

/** Makes a store in a process of its own until its service is found out of reach. @returns the SDKs that were loaded */
async function loadedSdks(settings: CallbackStoreSettings): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'loaded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const program = `
    const { createCallbackEventStore } = require(${JSON.stringify(BUILT_FILE)});
    const log = { info() {}, error() {}, warn: () => process.exit() };
    const store = createCallbackEventStore(${JSON.stringify(settings)}, log);
    if (store.kind === 'memory') process.exit();`;
  // Coverage names each script that was loaded, in whichever way.
  const env = { ...process.env, NODE_V8_COVERAGE: folder, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' };
  await promisify(execFile)(process.execPath, ['--eval', program], { env });
  const reports = (await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8'));
  const scripts = (await Promise.all(reports)).flatMap((report): { url: string }[] => JSON.parse(report).result);
  const sdk = /\/node_modules\/(@azure\/(?:cosmos|data-tables|identity)|redis)\//;
  return [...new Set(scripts.flatMap(({ url }) => sdk.exec(url)?.[1] ?? []))].toSorted();
}

describe('createCallbackEventStore', () => {
  it.each<[string, CallbackStoreSettings, string[]]>([
    ['no SDK for the memory', memory, []],
    ['its SDK for Redis', redis, ['redis']],
    ['its SDK for Cosmos DB', cosmosByKey, ['@azure/cosmos']],
    ['its SDK, and identities, for Cosmos DB without a key', cosmosByIdentity, ['@azure/cosmos', '@azure/identity']],
    ['its SDK for tables', tableByKey, ['@azure/data-tables']],
    ['its SDK, and identities, for tables without a key', tableByIdentity, ['@azure/data-tables', '@azure/identity']],
  ])('loads %s, and no other', async (_what, settings, expected) => {
    expect(await loadedSdks(settings)).toEqual(expected);
  });

  it('makes a store in memory that drops what is beyond the bounds', async () => {
    const store = createCallbackEventStore(memory, createRecordingLog());
    expect(store.kind).toBe('memory');
    await writerFor(store).stream('one', 'two');
    expect((await store.list(thread)).events).toMatchObject([{ sequence: 2 }]);
  });

  it.each([redis, cosmosByKey, tableByKey])(
    'warns once when the service cannot be reached at first, without address and key, and fails then ($kind)',
    async (settings) => {
      const log = createRecordingLog();
      const store = createCallbackEventStore(settings, log);
      onTestFinished(() => store.close());
      expect(store.kind).toBe(settings.kind);
      await expect(store.list(thread)).rejects.toThrow(EventStoreError);
      await expect.poll(() => log.lines).toHaveLength(1);
      await expect(store.list(thread)).rejects.toThrow(EventStoreError);
      const [line] = log.lines;
      expect(log.lines).toEqual([line]);
      expect(line).toMatch(new RegExp(`^warn The event store \\(${settings.kind}\\) cannot be reached \\(\\w+\\)`));
      expect(line).not.toContain(CLOSED);
      expect(line).not.toContain(SECRET);
    },
  );
});

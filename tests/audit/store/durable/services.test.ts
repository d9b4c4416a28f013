import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { ServiceSettings } from '../../../../src/storage/store-settings.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { openTableAccount } from '../../../support/azurite-table-server.js';
import { finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import { startCosmosServer } from '../../../support/cosmos-server.js';
import {
  openDurableEventStore,
  openDurableEventStoreForTest,
  partitionOf,
} from '../../../support/durable-event-store.js';
import { startFaultProxy } from '../../../support/fault-proxy.js';
import { openKeyValueStoreForTest } from '../../../support/key-value-store-for-test.js';
import { openClientForTest } from '../../../support/open-redis-for-test.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../../support/redis-server.js';
import { describeSharedEventStore } from '../callback-event-store-contract.js';
import { readTexts } from '../contract/read-thread.js';
import { describeStoreHistories } from '../store-histories.js';

interface Service {
  readonly settings: ServiceSettings;
  close(): Promise<void>;
}

function describeService(name: string, start: () => Promise<Service>): void {
  describe(`events in ${name}`, () => {
    let service: Service;
    let threadCount = 0;
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service.close());

    const open = () => openDurableEventStore(service.settings);
    describeSharedEventStore(name, () => [open(), open()], { timeoutMs: 60_000 });
    describeStoreHistories(`two stores on ${name}`, () => ({ stores: [open(), open()] }), { numRuns: 5 });

    describe('rows', () => {
      let thread: EventThread;
      beforeEach(() => {
        thread = { agentName: 'RowsAgent', threadId: `thread-${(threadCount += 1)}` };
      });
      const keys = async () => {
        const values = openKeyValueStoreForTest(service.settings);
        // Parts of long texts sort before all other keys.
        const rows = await values.readRange(partitionOf(thread), { from: '!', before: '~' }, 1000);
        return rows.map(({ key }) => key);
      };

      it('consist of the head alone after a clear, however long the texts were', async () => {
        const store = openDurableEventStoreForTest(service.settings);
        const long = 'long '.repeat(300_000);
        const writer = new RunWriter(store, thread, { ...runOf(), requestMessage: long });
        await writer.stream('a', long, 'b');
        await writer.final(long);
        expect(await readTexts(store, thread)).toEqual(['a', long, 'b', long]);
        await store.clear(thread);
        expect(await keys()).toEqual(['head']);
      });
    });
  });
}

describeService('table', async () => {
  const { connectionString } = await openTableAccount();
  return { settings: { kind: 'table', account: { connectionString }, tableName: 'Events' }, close: async () => {} };
});

describeService('cosmos', async () => {
  const cosmos = await startCosmosServer();
  const { endpoint, key } = cosmos;
  const settings = { kind: 'cosmos', endpoint, key, database: 'agents', container: 'events' } as const;
  return { settings, close: () => cosmos.close() };
});

const startForTest = async (isDurable = false): Promise<RedisServer> => {
  const redis = await startRedisServer({ isDurable });
  onTestFinished(() => redis.close());
  return redis;
};

const openStore = (url: string) => openDurableEventStoreForTest({ kind: 'redis', url });

describe.skipIf(isRedisMissing)('needs /usr/bin/redis-server:', () => {
  describeService('redis', async () => {
    const redis = await startRedisServer();
    return { settings: { kind: 'redis', url: redis.url }, close: () => redis.close() };
  });

  describe('redis, if it loses data or responses', () => {
    const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };

    it('restarts a thread that was evicted, and counts its events as lost', async () => {
      const redis = await startForTest();
      const store = openStore(redis.url);
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b', 'c');
      const before = await store.list(thread);
      const client = await openClientForTest(redis.url);
      expect(await client.del(`callbacks:{${partitionOf(thread)}}`)).toBe(1);

      expect(await store.list(thread)).toMatchObject({ events: [] });
      expect(await writer.stream('d')).toEqual({ status: 'kept', lostEvents: 3 });
      const page = await store.list(thread, { after: before.next });
      expect(page).toMatchObject({ reset: true, events: [{ sequence: 1 }] });
      expect([...page.runs.values()]).toMatchObject([{ requestMessage: 'Tell me a short joke' }]);
    });

    it.each([
      [true, 0, ['a', 'b', 'c', 'abc']],
      [false, 2, ['c', 'abc']],
    ])('continues after a server restart (durable: %s)', async (isDurable, lostEvents, texts) => {
      const redis = await startForTest(isDurable);
      const store = openStore(redis.url);
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      await redis.stop();
      await expect(writer.stream('c')).rejects.toThrow('The storage cannot be reached');
      await redis.start();
      expect(await writer.appendAt(2, streamEvent('c'), finalEvent('abc'))).toMatchObject({ lostEvents });
      expect(await readTexts(store, thread)).toEqual(texts);
    });

    it('rejects an append if the server is out of memory, but still clears a thread', async () => {
      const redis = await startForTest();
      const store = openStore(redis.url);
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      const client = await openClientForTest(redis.url);
      await client.configSet('maxmemory', '1');
      await expect(writer.stream('c')).rejects.toThrow('The storage cannot be reached');
      await client.configSet('maxmemory', '0');
      expect(await readTexts(store, thread)).toEqual(['a', 'b']);
      expect(await writer.appendAt(2, streamEvent('c'))).toEqual({ status: 'kept', lostEvents: 0 });
    });

    it('adds events once if they arrive after their writer gave up and appended them again', async () => {
      const redis = await startForTest();
      const proxy = await startFaultProxy(redis.port);
      onTestFinished(() => proxy.close());
      const store = openStore(redis.urlThrough(proxy.port));
      const writer = writerFor(store, thread);
      await writer.stream('a');
      const client = await openClientForTest(redis.url);
      await client.configResetStat();
      await proxy.setFault({ kind: 'delay', requestMs: 2000 });
      const late = writer.stream('b', 'c');
      const taken = proxy.takenBytes;
      while (proxy.takenBytes === taken) await delay(1);
      proxy.reset();
      await expect(late).rejects.toThrow('The storage cannot be reached');
      await proxy.setFault({ kind: 'none' });
      expect(await writer.appendAt(1, streamEvent('b'), streamEvent('c'))).toMatchObject({ status: 'kept' });
      const commits = async () => Number(/cmdstat_zadd:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
      const before = await commits();
      // The delayed commands arrive after 2 s.
      await expect
        .poll(async () => /cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1], {
          timeout: 10_000,
        })
        .toMatch(/^([3-9]|\d\d)$/);
      expect(await commits()).toBe(before);
      expect(await readTexts(store, thread)).toEqual(['a', 'b', 'c']);
    });
  });
});

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ZodError } from 'zod';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { openRedisStoreAdapter } from '../../../../src/audit/store/redis/redis-store-adapter.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.js';
import { openClientForTest, openStorageForTest, openStoreForTest } from '../../../support/open-redis-for-test.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../../support/redis-server.js';
import { describeCallbackEventStore } from '../callback-event-store-contract.js';
import { describeStoreHistories } from '../store-histories.js';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Whether a time to live is this one, of which no more than a minute has passed. */
const isWithin =
  (lifeMs: number) =>
  (leftMs: number): boolean =>
    leftMs <= lifeMs && leftMs > lifeMs - 60_000;

describe.skipIf(isRedisMissing)('redis (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  let thread: { readonly agentName: string; readonly threadId: string };
  let prefix: string;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(() => {
    prefix = `test-${randomBytes(6).toString('hex')}:`;
    thread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
  });
  afterAll(() => redis.close());

  const createStore = () => new DurableEventStore('redis', () => openRedisStoreAdapter({ url: redis.url }));
  describeCallbackEventStore('RedisEventStorage', createStore, { createPair: () => [createStore(), createStore()] });
  describeStoreHistories('two redis stores', () => ({ stores: [createStore(), createStore()] }), { numRuns: 20 });

  const openStore = (options: { readonly ttlDays?: number; readonly url?: string } = {}) =>
    openStoreForTest({ url: redis.url, keyPrefix: prefix, ...options });
  const keysOf = async () => {
    const client = await openClientForTest(redis.url);
    const keys = await client.keys(`${prefix}*`);
    return keys.map((key) => key.slice(prefix.length)).toSorted((one, other) => (one < other ? -1 : 1));
  };
  const textsOf = async (store: DurableEventStore) =>
    (await store.list(thread)).events.map(({ sequence, fields }) => {
      return `${sequence} ${/"(?:text|response_text)":"([^"]*)"/.exec(fields)?.[1]}`;
    });

  describe('its keys', () => {
    it('hold a thread under names that share a hash slot', async () => {
      await writerFor(openStore(), thread).stream('a');
      expect(await keysOf()).toEqual([
        'threads:CallbackAgent',
        '{CallbackAgent|thread-1}:events',
        '{CallbackAgent|thread-1}:head',
        '{CallbackAgent|thread-1}:runs',
        '{news}:CallbackAgent|thread-1',
      ]);
    });

    it('are those of the head and of the list when the thread was cleared, and its news for a minute', async () => {
      const store = openStore();
      await writerFor(store, thread).stream('a', 'b');
      await store.clear(thread);
      expect(await keysOf()).toEqual([
        'threads:CallbackAgent',
        '{CallbackAgent|thread-1}:head',
        '{news}:CallbackAgent|thread-1',
      ]);
      const client = await openClientForTest(redis.url);
      const lifeMs = await client.pTTL(`${prefix}{news}:CallbackAgent|thread-1`);
      expect(lifeMs).toBeGreaterThan(0);
      expect(lifeMs).toBeLessThanOrEqual(60_000);
    });

    it('tell all threads apart that could be mistaken for another, or for something else', async () => {
      const store = openStore();
      const threads = ['news', 'wake', 'threads'].flatMap((agentName) =>
        ['head', 'a', 'a:head', 'a:events', ':', 'wake:a', '@~._=+-'].map((threadId) => ({ agentName, threadId })),
      );
      for (const of of threads) await writerFor(store, of).stream(`${of.agentName} ${of.threadId}`);
      for (const of of threads) {
        const { events } = await store.list(of);
        expect(events.map(({ fields }) => fields)).toEqual([streamEvent(`${of.agentName} ${of.threadId}`).fields]);
      }
      expect(await store.listThreads('news')).toHaveLength(7);
    });
  });

  describe('what Redis has lost', () => {
    it('begins the thread anew when its head was evicted, without what was left of it', async () => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b', 'c');
      const before = await store.list(thread);
      const client = await openClientForTest(redis.url);
      await client.del(`${prefix}{CallbackAgent|thread-1}:head`);

      expect(await store.list(thread)).toMatchObject({ events: [] });
      expect(await store.listThreads(thread.agentName)).toEqual([]);
      expect(await writer.stream('d')).toEqual({ status: 'kept', lostEvents: 3 });
      expect(await textsOf(store)).toEqual(['1 d']);
      expect((await store.list(thread, { after: before.next })).reset).toBe(true);
      expect(await writer.read()).toMatchObject({ requestMessage: 'Tell me a short joke' });
      expect(await store.listThreads(thread.agentName)).toMatchObject([{ threadId: 'thread-1', eventCount: 1 }]);
    });

    it('shows what is left when events were evicted, and goes on counting', async () => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b', 'c');
      const client = await openClientForTest(redis.url);
      await client.del(`${prefix}{CallbackAgent|thread-1}:events`);
      expect(await textsOf(store)).toEqual([]);
      expect(await writer.stream('d')).toEqual({ status: 'kept', lostEvents: 0 });
      expect(await textsOf(store)).toEqual(['4 d']);
    });

    it('goes on after a restart that has kept everything', async () => {
      const durable = await startRedisServer({ isDurable: true });
      onTestFinished(() => durable.close());
      const store = openStore({ url: durable.url });
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      await durable.stop();
      await expect(writer.stream('c')).rejects.toThrow('The storage cannot be reached');
      await durable.start();
      expect(await writer.appendAt(2, streamEvent('c'), finalEvent('abc'))).toMatchObject({ lostEvents: 0 });
      expect(await textsOf(store)).toEqual(['1 a', '2 b', '3 c', '4 abc']);
    });

    it('goes on after a restart that has lost everything, and says what is missing', async () => {
      const forgetful = await startRedisServer();
      onTestFinished(() => forgetful.close());
      const store = openStore({ url: forgetful.url });
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      await forgetful.stop();
      await forgetful.start();
      expect(await store.list(thread)).toMatchObject({ events: [] });
      expect(await writer.stream('c')).toEqual({ status: 'kept', lostEvents: 2 });
      expect(await textsOf(store)).toEqual(['1 c']);
    });

    it('changes nothing by halves when the server is out of memory', async () => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      const client = await openClientForTest(redis.url);
      await client.configSet('maxmemory', '1');
      await expect(writer.stream('c')).rejects.toThrow('The storage cannot be reached');
      await client.configSet('maxmemory', '0');
      expect(await textsOf(store)).toEqual(['1 a', '2 b']);
      expect(await writer.appendAt(2, streamEvent('c'))).toEqual({ status: 'kept', lostEvents: 0 });
      expect(await textsOf(store)).toEqual(['1 a', '2 b', '3 c']);
    });

    it('clears a thread when the server is out of memory', async () => {
      const store = openStore();
      await writerFor(store, thread).stream('a', 'b');
      const client = await openClientForTest(redis.url);
      await client.configSet('maxmemory', '1');
      onTestFinished(() => client.configSet('maxmemory', '0').then(() => undefined));
      await store.clear(thread);
      expect(await textsOf(store)).toEqual([]);
      expect(await keysOf()).not.toContain('{CallbackAgent|thread-1}:events');
      await expect(writerFor(store, thread, 2).stream('c')).rejects.toThrow('The storage cannot be reached');
      await client.configSet('maxmemory', '0');
      await writerFor(store, thread, 2).stream('d');
      expect(await textsOf(store)).toEqual(['3 d']);
    });

    it('knows its scripts again when the server has forgotten them', async () => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.stream('a');
      const client = await openClientForTest(redis.url);
      await client.scriptFlush();
      await writer.stream('b');
      expect(await textsOf(store)).toEqual(['1 a', '2 b']);
    });
  });

  describe('a head that cannot be read', () => {
    it.each(['{"epoch":5}', 'no JSON'])(
      'is left out of the list, and goes when its thread is cleared: %s',
      async (head) => {
        const [before, store] = [openStore(), openStore()];
        await writerFor(before, thread).stream('a', 'b');
        await writerFor(before, { ...thread, threadId: 'thread-2' }).stream('c');
        const client = await openClientForTest(redis.url);
        await client.hSet(`${prefix}{CallbackAgent|thread-1}:head`, 'head', head);
        expect(await store.listThreads('CallbackAgent')).toMatchObject([{ threadId: 'thread-2' }]);
        await expect(store.list(thread)).rejects.toThrow(ZodError);
        await store.clear(thread);
        expect(await keysOf()).not.toContainEqual(expect.stringMatching(/^\{CallbackAgent\|thread-1\}/));
        await writerFor(store, thread, 2).stream('d');
        expect(await textsOf(store)).toEqual(['1 d']);
        expect(await store.listThreads('CallbackAgent')).toHaveLength(2);
      },
    );
  });

  describe('its replies', () => {
    it('are bounded by their size, so that large events come in several', async () => {
      const store = openStore();
      const storage = await openStorageForTest({ url: redis.url, keyPrefix: prefix });
      const texts = Array.from({ length: 12 }, (_, index) => `${index}`.repeat(index % 2 === 0 ? 300_000 : 1));
      await writerFor(store, thread).stream(...texts);
      const reply = await storage.readEvents(thread, 1, 1000);
      expect(reply.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await storage.readEvents(thread, 12, 1000)).toHaveLength(1);
      expect(await storage.readEvents(thread, 13, 1000)).toEqual([]);
      const { events } = await store.list(thread);
      expect(events.map(({ fields }) => fields)).toEqual(texts.map((text) => streamEvent(text).fields));
    });

    it('bring every run of a page whose request messages are large together', async () => {
      const store = openStore();
      const storage = await openStorageForTest({ url: redis.url, keyPrefix: prefix });
      const runs = Array.from({ length: 12 }, (_, index) => {
        return { ...runOf(index + 1), requestMessage: `${index}`.repeat(300_000) };
      });
      for (const run of runs) await store.acceptRun(thread, run);
      const epoch = (await store.readHead(thread))?.epoch ?? '';
      const ids = [...runs.map(({ correlationId }) => correlationId), 'unknown'];
      expect(await storage.readRuns(thread, epoch, ids)).toEqual(runs.map((run) => ({ ...run, attempts: [] })));
    });

    it('come on another connection than those that writers wait for', async () => {
      const client = await openClientForTest(redis.url);
      const countConnections = async () => (await client.clientList()).length;
      const storage = await openStorageForTest({ url: redis.url, keyPrefix: prefix });
      await storage.readHead(thread);
      const before = await countConnections();
      await storage.readEvents(thread, 1, 10);
      expect(await countConnections()).toBe(before + 1);
    });
  });

  describe('retention', () => {
    it('drops a thread that was not changed for so many days', async () => {
      const store = openStore({ ttlDays: 150 / DAY_MS });
      const kept = await writerFor(store, thread).append(streamEvent('a'), finalEvent());
      expect(kept).toEqual({ status: 'kept', lostEvents: 0 });
      while ((await store.list(thread)).head !== undefined) await delay(10);
      expect(await store.listThreads(thread.agentName)).toEqual([]);
      // The list forgets it with its next answer after a minute, and expires itself a day later.
      expect(await keysOf()).toEqual(['threads:CallbackAgent', '{news}:CallbackAgent|thread-1']);
    });

    it('counts from the latest change, whatever it is, and for all that is kept of the thread', async () => {
      const store = openStore({ ttlDays: 1 });
      const writer = writerFor(store, thread);
      await writer.append(streamEvent('a'), finalEvent());
      const client = await openClientForTest(redis.url);
      const keys = ['head', 'events', 'runs'].map((name) => `${prefix}{CallbackAgent|thread-1}:${name}`);
      for (const key of keys) await client.pExpire(key, 60_000);
      await writerFor(store, thread, 2).accept();
      for (const key of keys) expect(await client.pTTL(key)).toBeGreaterThan(DAY_MS - 60_000);
    });

    it.each([
      ['switched on', undefined],
      ['lowered', 30],
    ])('holds for threads that have been idle since before it was %s', async (_how, ttlDays) => {
      const client = await openClientForTest(redis.url);
      const list = `${prefix}threads:CallbackAgent`;
      const before = openStore({ ...(ttlDays !== undefined && { ttlDays }) });
      for (const [threadId, days] of [
        ['fresh', 1],
        ['old', 20],
      ] as const) {
        await writerFor(before, { ...thread, threadId }).append(streamEvent('a'), finalEvent());
        await client.zAdd(list, { score: Date.now() - days * DAY_MS, value: threadId });
      }
      await client.zAdd(list, { score: Date.now() - 20 * DAY_MS, value: 'gone' });
      await before.close();

      const store = openStore({ ttlDays: 7 });
      await writerFor(store, thread).append(streamEvent('b'), finalEvent());
      await expect.poll(() => client.pTTL(list)).toSatisfy(isWithin(8 * DAY_MS));
      // What has outlived its time goes within the hour: somebody may be about to change it.
      for (const [threadId, lifeMs] of [
        ['fresh', 6 * DAY_MS],
        ['old', HOUR_MS],
        ['thread-1', 7 * DAY_MS],
      ] as const) {
        for (const name of ['head', 'events', 'runs']) {
          const key = `${prefix}{CallbackAgent|${threadId}}:${name}`;
          expect(await client.pTTL(key)).toSatisfy(isWithin(lifeMs));
        }
      }
      expect(await client.zRange(list, 0, -1)).toEqual(['old', 'fresh', 'thread-1']);
      expect(await store.listThreads('CallbackAgent')).toHaveLength(3);
    });

    it('ends for a thread that is changed after it was switched off', async () => {
      const writer = writerFor(openStore({ ttlDays: 1 }), thread);
      await writer.stream('a');
      await writerFor(openStore(), thread, 2).append(finalEvent());
      const client = await openClientForTest(redis.url);
      for (const name of ['head', 'events', 'runs']) {
        expect(await client.pTTL(`${prefix}{CallbackAgent|thread-1}:${name}`)).toBe(-1);
      }
      expect(await client.pTTL(`${prefix}threads:CallbackAgent`)).toBe(-1);
    });

    it('forgets the runs of the events that are dropped from an active thread, with their messages', async () => {
      const store = openStore();
      for (const [index, day] of ['05', '06', '07'].entries()) {
        const writer = writerFor(store, thread, index + 1);
        await writer.append(streamEvent(day, `2026-01-${day}T10:00:00.000Z`));
        await writer.append(finalEvent(day, `2026-01-${day}T10:00:01.000Z`));
      }
      await store.dropEventsBefore(thread, '2026-01-06T10:00:01.000Z');
      expect(await textsOf(store)).toEqual(['4 06', '5 07', '6 07']);
      const client = await openClientForTest(redis.url);
      expect(await client.xLen(`${prefix}{CallbackAgent|thread-1}:events`)).toBe(3);
      const fields = await client.hKeys(`${prefix}{CallbackAgent|thread-1}:runs`);
      const epoch = (await store.readHead(thread))?.epoch;
      const names = fields.map((field) => field.replace(`|${epoch}|`, '|').replace(/\|0+(?=.$)/, '|'));
      expect(names.toSorted()).toEqual(['message|2', 'message|3', 'run|2', 'run|3']);
    });

    it('removes nothing of a record that was begun anew meanwhile', async () => {
      const storage = await openStorageForTest({ url: redis.url, keyPrefix: prefix });
      const store = openStore();
      await writerFor(store, thread).stream('a', 'b', 'c');
      const before = await storage.readHead(thread);
      const client = await openClientForTest(redis.url);
      await client.flushDb();
      await writerFor(store, thread).stream('d', 'e');
      if (before === undefined) throw new Error('The thread was not kept.');
      await storage.removeUnreachable(thread, { ...before.head, oldestSequence: 4 });
      expect(await textsOf(store)).toEqual(['1 d', '2 e']);
    });
  });

  describe('behind a network that fails', () => {
    let proxy: FaultProxy;
    beforeEach(async () => {
      proxy = await startFaultProxy(redis.port);
      return () => proxy.close();
    });

    it('adds events once whose answer was lost, when they are appended again', async () => {
      const store = openStore({ url: redis.urlThrough(proxy.port) });
      const writer = writerFor(store, thread);
      await writer.stream('a');
      await proxy.setFault({ kind: 'lose-answers', count: 1 });
      await expect(writer.stream('b', 'c')).rejects.toThrow('The storage cannot be reached');
      expect(proxy.lostAnswers).toBe(1);
      expect(await writer.appendAt(1, streamEvent('b'), streamEvent('c'), streamEvent('d'))).toEqual({
        status: 'kept',
        lostEvents: 0,
      });
      expect(await textsOf(store)).toEqual(['1 a', '2 b', '3 c', '4 d']);
    });

    it('adds events once that arrive after their writer has given up, and appended them again', async () => {
      const store = openStore({ url: redis.urlThrough(proxy.port) });
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
      while (!/cmdstat_evalsha:calls=2,/.test(await client.info('commandstats'))) await delay(10);
      expect(await textsOf(store)).toEqual(['1 a', '2 b', '3 c']);
    });

    it('gives up when nothing is heard, and works again when the network does', async () => {
      const store = openStore({ url: redis.urlThrough(proxy.port) });
      const writer = writerFor(store, thread);
      await writer.stream('a');
      await proxy.setFault({ kind: 'black-hole' });
      const outcomes = await Promise.allSettled([writer.stream('b'), store.list(thread), store.ping()]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      await proxy.setFault({ kind: 'none' });
      expect(await writer.appendAt(1, streamEvent('b'))).toMatchObject({ status: 'kept', lostEvents: 0 });
      expect(await textsOf(store)).toEqual(['1 a', '2 b']);
    });
  });
});

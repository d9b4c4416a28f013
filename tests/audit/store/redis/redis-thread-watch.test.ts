import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { ThreadHead } from '../../../../src/audit/domain/thread-head.js';
import type { DurableStoreAdapter } from '../../../../src/audit/store/durable/durable-store-adapter.js';
import { RedisConnection } from '../../../../src/storage/redis/redis-connection.js';
import { RedisKeys } from '../../../../src/audit/store/redis/redis-thread-keys.js';
import { RedisThreadWatch } from '../../../../src/audit/store/redis/redis-thread-watch.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent, streamEvent } from '../../../support/callback-events.js';
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.js';
import {
  type AdminClient,
  openClientForTest,
  openStorageForTest,
  openStoreForTest,
} from '../../../support/open-redis-for-test.js';
import { createRecordingLog } from '../../../support/recording-log.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../../support/redis-server.js';

const LOOK_EVERY_MS = 2;
/** Less than 20 blocking reads take, of 2 s each. */
const BLOCKED_MS = 35_000;

it('says why threads cannot be watched in redis', async () => {
  const log = createRecordingLog();
  const connection = new RedisConnection(() => {
    throw new Error('Nothing is sent.');
  });
  const error = new Error('The socket is closed.', { cause: new Error('read ECONNRESET') });
  const readHead = (): Promise<never> => Promise.reject(error);
  const keys = new RedisKeys('');
  const watch = new RedisThreadWatch({ connection, blockingConnection: connection, keys, readHead, log });
  const stop = watch.follow({ agentName: 'CallbackAgent', threadId: 'thread-1' }, () => {});
  await expect
    .poll(() => log.lines)
    .toEqual([expect.stringContaining('Error: The socket is closed. (because of Error: read ECONNRESET)')]);
  stop();
  await watch.close();
});

describe.skipIf(isRedisMissing)('watching threads in redis (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  let admin: AdminClient;
  let lastThread = 0;
  const nextThread = (): EventThread => ({ agentName: 'CallbackAgent', threadId: `thread-${(lastThread += 1)}` });
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy(redis.port);
    admin = await openClientForTest(redis.url);
    return () => proxy.close();
  });
  afterAll(() => redis.close());

  const watchers = async () => (await admin.clientList()).filter(({ flags }) => flags.includes('b')).length;

  it('finds whatever another process does, in the order in which it happens', async () => {
    const thread = nextThread();
    const seen = await follow(await openStorageForTest({ url: redis.url }), thread);
    await seen.until((record) => record === undefined);
    const store = openStoreForTest({ url: redis.url });
    const writer = writerFor(store, thread);
    await writer.accept();
    await seen.until((record) => record?.version === 1);
    await writer.begin();
    await seen.until((record) => record?.newestAttempt?.attempt === 1);
    await writer.stream('a', 'b');
    await seen.until((record) => record?.newestSequence === 2);
    await writerFor(store, thread, 2).accept();
    await seen.until((record) => record?.version === 4);
    await store.clear(thread);
    await seen.until((record) => record?.oldestSequence === 3);
    expect(seen.records.map((record) => record?.version)).toEqual([undefined, 1, 2, 3, 4, 5]);
  });

  it('finds each change at once, also when many threads are watched', async () => {
    const storage = await openStorageForTest({ url: redis.url });
    for (let count = 0; count < 100; count += 1) await follow(storage, nextThread());
    const thread = nextThread();
    const seen = await follow(storage, thread);
    const writer = writerFor(openStoreForTest({ url: redis.url }), thread);
    for (let sequence = 1; sequence <= 100; sequence += 1) {
      await writer.stream('a');
      await seen.until((record) => record?.newestSequence === sequence);
    }
    // Without news each would wait for the next look at all threads, up to 2 s: longer than this test may take.
    expect(seen.records.at(-1)?.newestSequence).toBe(100);
  });

  it(
    'watches at once for threads that are added while it waits for others',
    async () => {
      const storage = await openStorageForTest({ url: redis.url });
      await follow(storage, nextThread());
      // Without a wake-up each would wait for the end of a blocking read: longer than this test may take.
      for (let count = 0; count < 20; count += 1) {
        while ((await watchers()) === 0) await delay(LOOK_EVERY_MS);
        const thread = nextThread();
        const seen = await follow(storage, thread);
        await seen.until((record) => record === undefined);
        await writerFor(openStoreForTest({ url: redis.url }), thread).stream('a');
        expect(await seen.until((record) => record?.newestSequence === 1)).toMatchObject({
          newestAttempt: { attempt: 1 },
        });
      }
    },
    BLOCKED_MS,
  );

  it('finds what happened before it began, however long ago', async () => {
    const thread = nextThread();
    await writerFor(openStoreForTest({ url: redis.url }), thread).stream('a');
    while ((await admin.del(newsOf(thread))) === 0) await delay(LOOK_EVERY_MS);
    const seen = await follow(await openStorageForTest({ url: redis.url }), thread);
    expect(await seen.until((record) => record !== undefined)).toMatchObject({ newestSequence: 1 });
  });

  it(
    'has a connection while a thread is watched, and one for all',
    async () => {
      const storage = await openStorageForTest({ url: redis.url });
      // Without a wake-up each end would wait for the end of a blocking read.
      for (let count = 0; count < 20; count += 1) {
        const followed = [await follow(storage, nextThread()), await follow(storage, nextThread())];
        while ((await watchers()) === 0) await delay(LOOK_EVERY_MS);
        expect(await watchers()).toBe(1);
        for (const { stop } of followed) stop();
        while ((await watchers()) > 0) await delay(LOOK_EVERY_MS);
      }
    },
    BLOCKED_MS,
  );

  it('tells nobody any more who has stopped', async () => {
    const storage = await openStorageForTest({ url: redis.url });
    const thread = nextThread();
    const [stopped, other] = [await follow(storage, thread), await follow(storage, nextThread())];
    await stopped.until((record) => record === undefined);
    stopped.stop();
    await writerFor(openStoreForTest({ url: redis.url }), thread).stream('a');
    await writerFor(openStoreForTest({ url: redis.url }), other.thread).stream('a');
    await other.until((record) => record?.newestSequence === 1);
    expect(stopped.records).toEqual([undefined]);
  });

  it('finds within seconds what made no news: a thread that is gone, a change whose writer died', async () => {
    const storage = await openStorageForTest({ url: redis.url });
    const [gone, changed] = [nextThread(), nextThread()];
    const store = openStoreForTest({ url: redis.url });
    for (const thread of [gone, changed]) await writerFor(store, thread).stream('a');
    const [ofGone, ofChanged] = [await follow(storage, gone), await follow(storage, changed)];
    for (const seen of [ofGone, ofChanged]) await seen.until((record) => record?.newestSequence === 1);
    await admin.del(headOf(gone));
    const head = JSON.parse((await admin.hGet(headOf(changed), 'head')) ?? '') as ThreadHead;
    await admin.hSet(headOf(changed), 'head', JSON.stringify({ ...head, version: head.version + 1 }));
    const found = ofChanged.until((record) => record?.version !== head.version);
    expect(await ofGone.until((record) => record === undefined)).toBeUndefined();
    expect(await found).toMatchObject({ version: head.version + 1, newestSequence: 1 });
  });

  it('does not fall back when news come in another order than the changes', async () => {
    const [thread, other] = [nextThread(), nextThread()];
    const storage = await openStorageForTest({ url: redis.url });
    const store = openStoreForTest({ url: redis.url });
    const seen = await follow(storage, thread);
    const ofOther = await follow(storage, other);
    await writerFor(store, thread).stream('a');
    await seen.until((record) => record?.newestSequence === 1);
    const before = seen.records.length;
    const record = seen.records.at(-1);
    if (record === undefined) throw new Error('The thread was not seen.');
    await admin.xAdd(newsOf(thread), '*', { head: JSON.stringify({ ...record, generation: 0, version: 1 }) });
    await writerFor(store, other).stream('a');
    await ofOther.until((latest) => latest?.newestSequence === 1);
    expect(seen.records).toHaveLength(before);
  });

  it.each(['cut', 'reset'] as const)('finds what happens while its connection is %s', async (how) => {
    const log = createRecordingLog();
    const thread = nextThread();
    const seen = await follow(await openStorageForTest({ url: redis.urlThrough(proxy.port), log }), thread);
    const writer = writerFor(openStoreForTest({ url: redis.url }), thread);
    await writer.stream('a');
    await seen.until((record) => record?.newestSequence === 1);
    while ((await watchers()) === 0) await delay(LOOK_EVERY_MS);
    proxy[how]();
    await proxy.setFault({ kind: 'refuse' });
    await writer.append(streamEvent('b'), finalEvent());
    while (log.lines.length === 0) await delay(LOOK_EVERY_MS);
    await proxy.setFault({ kind: 'none' });
    await seen.until((record) => record?.newestSequence === 3);
    while (log.lines.length < 2) await delay(LOOK_EVERY_MS);
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn Redis cannot be watched for changes, trying again: /),
      'info Redis is watched for changes again.',
    ]);
  });

  it('notices a network that lets nothing through, and finds what happened meanwhile', async () => {
    const thread = nextThread();
    const seen = await follow(await openStorageForTest({ url: redis.urlThrough(proxy.port) }), thread);
    await seen.until((record) => record === undefined);
    while ((await watchers()) === 0) await delay(LOOK_EVERY_MS);
    await proxy.setFault({ kind: 'black-hole' });
    await writerFor(openStoreForTest({ url: redis.url }), thread).stream('a');
    while ((await watchers()) > 0) await delay(LOOK_EVERY_MS);
    expect(seen.records).toEqual([undefined]);
    await proxy.setFault({ kind: 'none' });
    await seen.until((record) => record?.newestSequence === 1);
  });

  it('says that a thread is gone when the server has lost it, and sees it begin anew', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const thread = nextThread();
    const seen = await follow(await openStorageForTest({ url: server.url }), thread);
    const writer = writerFor(openStoreForTest({ url: server.url }), thread);
    await writer.stream('a');
    await seen.until((record) => record?.newestSequence === 1);
    const first = seen.records.at(-1);
    await server.stop();
    await server.start();
    await seen.until((record) => record === undefined);
    await writer.stream('b');
    const anew = await seen.until((record) => record !== undefined && record.epoch !== first?.epoch);
    expect(anew).toMatchObject({ newestSequence: 1 });
  });
});

function newsOf({ agentName, threadId }: EventThread): string {
  return `callbacks:{news}:${agentName}|${threadId}`;
}

function headOf({ agentName, threadId }: EventThread): string {
  return `callbacks:{${agentName}|${threadId}}:head`;
}

interface Watched {
  readonly thread: EventThread;
  /** All that was announced. */
  readonly records: readonly (ThreadHead | undefined)[];
  /** Waits until the latest is as wanted. */
  until(isWanted: (record: ThreadHead | undefined) => boolean): Promise<ThreadHead | undefined>;
  readonly stop: () => void;
}

async function follow(storage: DurableStoreAdapter, thread: EventThread): Promise<Watched> {
  const records: (ThreadHead | undefined)[] = [];
  let onRecord: (() => void) | undefined;
  const stop = storage.follow(thread, (record) => {
    records.push(record);
    onRecord?.();
  });
  onTestFinished(stop);
  return {
    thread,
    records,
    stop,
    until: (isWanted) =>
      new Promise((resolve) => {
        onRecord = () => {
          if (records.length > 0 && isWanted(records.at(-1))) resolve(records.at(-1));
        };
        onRecord();
      }),
  };
}

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThreadIndex, type ThreadQuery } from '../../../src/durable-agents/threads/thread-index.js';
import { queuedRun, type RunStatus } from '../../../src/durable-agents/runs/run-record.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';

const agentName = 'ScriptedAgent';
const START_MS = Date.parse('2026-01-07T15:40:00.000Z');
const at = (second: number) => new Date(START_MS + second * 1000);

/** A list with this number of threads: `thread-0` to `thread-{count - 1}`, oldest first. */
async function listOf(count: number, statusOf: (number: number) => RunStatus = () => 'completed') {
  const index = new ThreadIndex(new MemoryKeyValueStore());
  for (let number = 0; number < count; number += 1) {
    const activity = { message: `Question ${number}`, status: statusOf(number), at: at(number) };
    await index.touch({ agentName, threadId: `thread-${number}` }, activity);
  }
  return index;
}

/** All pages of a query, joined. */
async function readAll(index: ThreadIndex, query: ThreadQuery, onPage: () => Promise<unknown> = async () => {}) {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await index.list(agentName, { ...query, after });
    ids.push(...page.threads.map(({ threadId }) => threadId));
    after = page.next;
    await onPage();
  } while (after !== undefined);
  return ids;
}

describe('the list of threads', () => {
  it('shows the beginning of the first message, the newest status and the times', async () => {
    const index = new ThreadIndex(new MemoryKeyValueStore());
    const thread = { agentName, threadId: 'ü/1' };
    await index.touch(thread, { message: `Line\n${'x'.repeat(100)}`, status: 'running', at: at(0) });
    await index.touch(thread, { message: 'Second', status: 'failed', at: at(1) });

    expect(await index.list(agentName, { limit: 10 })).toEqual({
      threads: [
        {
          threadId: 'ü/1',
          title: `Line ${'x'.repeat(75)}…`,
          status: 'failed',
          createdAt: at(0).toISOString(),
          lastActivityAt: at(1).toISOString(),
        },
      ],
      next: undefined,
    });
  });

  it('contains each of a thousand threads once, the latest first', async () => {
    const index = await listOf(1200);

    const ids = await readAll(index, { limit: 100 });

    expect(ids).toEqual(Array.from({ length: 1200 }, (_, number) => `thread-${1199 - number}`));
  });

  it('neither skips nor repeats an idle thread while others change', async () => {
    const index = await listOf(50);
    let second = 100;

    const ids = await readAll(index, { limit: 10 }, async () => {
      for (const threadId of ['thread-5', 'new']) {
        await index.touch({ agentName, threadId }, { message: 'Hi', status: 'running', at: at((second += 1)) });
      }
    });

    const resting = Array.from({ length: 50 }, (_, number) => `thread-${49 - number}`).filter(
      (id) => id !== 'thread-5',
    );
    expect(ids.filter((id) => resting.includes(id))).toEqual(resting);
    expect(ids).toHaveLength(new Set(ids).size);
  });

  it('finds threads by status, time, and text in id or title', async () => {
    const index = await listOf(30, (number) => (number % 10 === 0 ? 'failed' : 'completed'));
    const find = (query: Partial<ThreadQuery>) => readAll(index, { limit: 2, ...query });

    expect(await find({ status: 'failed' })).toEqual(['thread-20', 'thread-10', 'thread-0']);
    expect(await find({ since: at(28) })).toEqual(['thread-29', 'thread-28']);
    expect(await find({ until: at(2) })).toEqual(['thread-1', 'thread-0']);
    expect(await find({ since: at(1), until: at(3) })).toEqual(['thread-2', 'thread-1']);
    expect(await find({ text: 'QUESTION 2' })).toHaveLength(11);
    expect(await find({ text: 'thread-7' })).toEqual(['thread-7']);
    expect(await find({ text: 'nothing' })).toEqual([]);
  });

  it('reads a bounded number of threads at a time, and continues from there', async () => {
    const index = await listOf(1500);

    const page = await index.list(agentName, { limit: 10, text: 'thread-3' });
    const rest = await readAll(index, { limit: 10, text: 'thread-3' });

    expect(page.threads.length).toBeLessThan(10);
    expect(page.next).toBeDefined();
    expect(rest).toHaveLength(111);
  });

  it('contains no removed thread and none of other agents', async () => {
    const index = await listOf(3);
    await index.remove({ agentName, threadId: 'thread-1' });
    await index.remove({ agentName, threadId: 'unknown' });

    expect(await readAll(index, { limit: 10 })).toEqual(['thread-2', 'thread-0']);
    expect(await index.list('Other', { limit: 10 })).toEqual({ threads: [], next: undefined });
  });

  it('contains each thread once, in order, after any concurrent changes of several processes', async () => {
    const change = fc.record({ thread: fc.nat(4), second: fc.nat(20), removes: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        const store = new MemoryKeyValueStore();
        await Promise.all(
          changes.map(async ({ thread, second, removes }) => {
            const process = new ThreadIndex(store);
            const identity = { agentName, threadId: `thread-${thread}` };
            if (removes) await process.remove(identity);
            else await process.touch(identity, { message: 'Hi', status: 'completed', at: at(second) });
          }),
        );
        const index = new ThreadIndex(store);
        const { threads } = await index.list(agentName, { limit: 100 });
        const found = await Promise.all(
          [0, 1, 2, 3, 4].map((number) => index.find({ agentName, threadId: `thread-${number}` })),
        );
        expect(new Set(threads)).toEqual(new Set(found.filter((thread) => thread !== undefined)));
        const times = threads.map(({ lastActivityAt }) => lastActivityAt);
        expect(times).toEqual(times.toSorted().toReversed());
      }),
    );
  });
});

describe('an entry of the list', () => {
  const thread = { agentName, threadId: 'thread-1' };
  const hello = { message: 'Hello', status: 'completed', at: at(10) } as const;

  it('never moves back in time', async () => {
    const index = new ThreadIndex(new MemoryKeyValueStore());
    await index.touch(thread, hello);

    await index.touch(thread, { ...hello, status: 'failed', at: at(5) });

    expect(await index.find(thread)).toMatchObject({ status: 'failed', lastActivityAt: at(10).toISOString() });
    expect((await index.list(agentName, { limit: 9 })).threads).toHaveLength(1);
  });

  it('keeps its first owner', async () => {
    const index = new ThreadIndex(new MemoryKeyValueStore());
    const activity = { message: 'Hello', at: at(1) };

    expect(await index.claim(thread, { ...activity, owner: 'ann' })).toBe('ann');
    expect(await index.claim(thread, { ...activity, owner: 'bob' })).toBe('ann');
    await index.touch(thread, hello);
    expect(await index.find(thread)).toMatchObject({ owner: 'ann', status: 'completed' });
    await index.touch({ agentName, threadId: 'other' }, hello);
    expect(await index.find({ agentName, threadId: 'other' })).not.toHaveProperty('owner');
    const own = await index.list(agentName, { limit: 9, owner: 'ann' });
    expect(own.threads.map(({ threadId }) => threadId)).toEqual(['thread-1']);
  });

  it('is not read again if the last change is known', async () => {
    let reads = 0;
    const store = new HookedKeyValueStore((method) => {
      if (method === 'read') reads += 1;
    });
    const index = new ThreadIndex(store);

    const known = await index.touch(thread, hello);
    await index.touch(thread, { ...hello, at: at(11) }, known);

    expect(reads).toBe(1);
    expect(await index.find(thread)).toMatchObject({ lastActivityAt: at(11).toISOString() });
  });

  it('stays away if the thread was deleted since, and comes back if it was only evicted', async () => {
    const index = new ThreadIndex(new MemoryKeyValueStore());
    const known = await index.touch(thread, hello);
    await index.remove(thread);

    expect(await index.touch(thread, hello, known, async () => true)).toBe(known);
    expect(await index.find(thread)).toBeUndefined();
    await index.touch(thread, hello, known, async () => false);
    expect(await index.find(thread)).toBeDefined();
    await index.remove(thread);
    await index.touch(thread, hello, undefined, async () => true);
    expect(await index.find(thread)).toBeDefined();
  });

  it('carries the figures of its run', async () => {
    const store = new MemoryKeyValueStore();
    const index = new ThreadIndex(store);
    const run = queuedRun({ ...thread, correlationId: 'a', message: 'Hello', createdAt: at(0).toISOString() }, '1');

    await index.touch(thread, hello);
    expect(await store.readRange(`threads|${agentName}`, { from: 'run|', before: 'run~' }, 9)).toEqual([]);
    await index.touch(thread, { ...hello, owner: 'ann', run });

    const rows = await store.readRange(`threads|${agentName}`, { from: 'run|', before: 'run~' }, 9);
    expect(rows.map(({ value }) => JSON.parse(value))).toEqual([{ status: 'queued', owner: 'ann' }]);
  });
});

const idle = async (index: ThreadIndex, second: number, after?: string) => {
  const found: { threadId: string; position: string }[] = [];
  for await (const thread of index.idleSince(agentName, at(second), after)) found.push(thread);
  return found;
};

describe('the idle threads', () => {
  it('had their last activity before a time, and start with the most recent one', async () => {
    const index = await listOf(4);

    const found = await idle(index, 2);

    expect(found.map(({ threadId }) => threadId)).toEqual(['thread-1', 'thread-0']);
    expect((await idle(index, 9, found[0]?.position)).map(({ threadId }) => threadId)).toEqual(['thread-0']);
    expect(await idle(index, 1, found[0]?.position)).toHaveLength(1);
    expect(await idle(index, 0)).toEqual([]);
  });
});

describe('a page of the list', () => {
  it('is exactly as long as the limit, and says where the next one begins', async () => {
    const index = await listOf(3);

    const first = await index.list(agentName, { limit: 2 });
    const second = await index.list(agentName, { limit: 2, after: first.next });

    expect(first.threads.map(({ threadId }) => threadId)).toEqual(['thread-2', 'thread-1']);
    expect(second).toMatchObject({ threads: [{ threadId: 'thread-0' }], next: undefined });
    expect(await index.list(agentName, { limit: 3 })).toMatchObject({ next: undefined });
  });

  it('never starts before the period, even with a cursor from outside of it', async () => {
    const index = await listOf(4);
    const first = await index.list(agentName, { limit: 1 });

    const page = await index.list(agentName, { limit: 9, after: first.next, until: at(2), since: at(1) });

    expect(page.threads.map(({ threadId }) => threadId)).toEqual(['thread-1']);
  });
});

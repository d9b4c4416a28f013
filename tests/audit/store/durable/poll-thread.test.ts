import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ThreadHead } from '../../../../src/audit/domain/thread-head.js';
import type { StoredHead } from '../../../../src/audit/store/durable/durable-store-adapter.js';
import { pollThread } from '../../../../src/audit/store/durable/poll-thread.js';
import { thread } from '../../../support/callback-events.js';

/** Has one thread, and notes when it is asked for it. */
class FakeHeads {
  head: StoredHead | undefined;
  isBroken = false;
  readonly askedAt: number[] = [];

  /** Another version of the head. */
  change(): void {
    const version = (this.head?.head.version ?? 0) + 1;
    const head = { epoch: 'a', version, generation: 0, oldestSequence: 1, newestSequence: version };
    this.head = { head, tag: String(version) };
  }

  async readHead(): Promise<StoredHead | undefined> {
    this.askedAt.push(Date.now());
    if (this.isBroken) throw new Error('The line is cut.');
    return this.head;
  }

  /** The times between the latest requests. */
  pauses(count: number): number[] {
    const latest = this.askedAt.slice(-count - 1);
    return latest.slice(1).map((at, index) => at - (latest[index] ?? 0));
  }
}

describe('polling a thread', () => {
  let heads: FakeHeads;
  let found: (ThreadHead | undefined)[];
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    heads = new FakeHeads();
    found = [];
  });

  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  function start(): void {
    stop = pollThread(heads)(thread, (record) => found.push(record));
  }

  it('looks at once, and announces what there is', async () => {
    heads.change();
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(found).toEqual([heads.head?.head]);
  });

  it('announces that there is nothing', async () => {
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(found).toEqual([undefined]);
  });

  it('looks less and less often while nothing happens, but five times a second', async () => {
    heads.change();
    start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heads.pauses(5)).toEqual([200, 200, 200, 200, 200]);
    expect(heads.askedAt.length).toBeGreaterThan(25);
  });

  it('looks every 50 ms while there are changes', async () => {
    start();
    await vi.advanceTimersByTimeAsync(5_000);
    heads.change();
    await vi.advanceTimersByTimeAsync(200);
    for (let change = 0; change < 5; change += 1) {
      heads.change();
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(heads.pauses(4)).toEqual([50, 50, 50, 50]);
    expect(found.at(-1)).toEqual(heads.head?.head);
  });

  it('goes on after a look that failed, which it does not tell of', async () => {
    heads.isBroken = true;
    start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(found).toEqual([]);
    heads.isBroken = false;
    heads.change();
    await vi.advanceTimersByTimeAsync(200);
    expect(found).toEqual([heads.head?.head]);
  });

  it('ends when it is told to, also in the middle of a look', async () => {
    start();
    stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(found).toEqual([]);
    expect(heads.askedAt).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StoredValue } from '../../src/storage/key-value-store.js';
import { pollKey, type Subscribe } from '../../src/storage/poll-key.js';

const address = { partition: 'test', key: 'head' };

/** A store with one value that records the times of reads. */
class FakeStore {
  value: StoredValue | undefined;
  isBroken = false;
  /** Reads end after this. They have found their value before. */
  delay: Promise<unknown> | undefined;
  readonly readAt: number[] = [];

  change(): void {
    const count = Number(this.value?.value ?? 0) + 1;
    this.value = { key: address.key, value: String(count), tag: `tag ${count}` };
  }

  async read(): Promise<StoredValue | undefined> {
    this.readAt.push(Date.now());
    const { value } = this;
    await this.delay;
    if (this.isBroken) throw new Error('The connection is cut.');
    return value;
  }

  /** The times between the latest reads. */
  pauses(count: number): number[] {
    const latest = this.readAt.slice(-count - 1);
    return latest.slice(1).map((at, index) => at - (latest[index] ?? 0));
  }
}

describe('pollKey', () => {
  let store: FakeStore;
  let found: (StoredValue | undefined)[];
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    store = new FakeStore();
    found = [];
  });

  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  function start(): void {
    stop = pollKey(store)(address, (value) => found.push(value));
  }

  it('reads at once, and reports the value', async () => {
    store.change();
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(found).toEqual([store.value]);
  });

  it('reports a missing value', async () => {
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(found).toEqual([undefined]);
  });

  it('slows down to five reads a second while nothing changes', async () => {
    store.change();
    start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(store.pauses(5)).toEqual([200, 200, 200, 200, 200]);
    expect(store.readAt.length).toBeGreaterThan(25);
  });

  it('reads every 50 ms while the value changes', async () => {
    start();
    await vi.advanceTimersByTimeAsync(5_000);
    store.change();
    await vi.advanceTimersByTimeAsync(200);
    for (let change = 0; change < 5; change += 1) {
      store.change();
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(store.pauses(4)).toEqual([50, 50, 50, 50]);
    expect(found.at(-1)).toEqual(store.value);
  });

  it('continues after a read that fails, and does not report it', async () => {
    store.isBroken = true;
    start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(found).toEqual([]);
    store.isBroken = false;
    store.change();
    await vi.advanceTimersByTimeAsync(200);
    expect(found).toEqual([store.value]);
  });

  it('reports nothing after it was stopped, even if a read is in flight', async () => {
    start();
    stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(found).toEqual([]);
    expect(store.readAt).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  describe('with news', () => {
    let tell: (isArriving: boolean) => void;
    let hasUnsubscribed: boolean;
    const subscribe: Subscribe = (partition, onNews) => {
      expect(partition).toBe(address.partition);
      hasUnsubscribed = false;
      tell = onNews;
      return () => {
        hasUnsubscribed = true;
      };
    };
    const startWithNews = async (): Promise<void> => {
      stop = pollKey(store, subscribe)(address, (value) => found.push(value));
      await vi.advanceTimersByTimeAsync(0);
    };

    it('reads at once after news, and otherwise every 2 s', async () => {
      await startWithNews();
      tell(true);
      await vi.advanceTimersByTimeAsync(6_000);
      expect(store.pauses(3)).toEqual([2000, 2000, 2000]);
      store.change();
      tell(true);
      await vi.advanceTimersByTimeAsync(0);
      expect(found.at(-1)).toEqual(store.value);
    });

    it('polls while news does not arrive', async () => {
      await startWithNews();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(store.pauses(2)).toEqual([200, 200]);
      tell(true);
      await vi.advanceTimersByTimeAsync(2_000);
      tell(false);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(store.pauses(2)).toEqual([200, 200]);
    });

    it('reads once more, for all news that arrive during a read', async () => {
      await startWithNews();
      tell(true);
      await vi.advanceTimersByTimeAsync(0);
      const readsBefore = store.readAt.length;
      const gate = new EventEmitter();
      store.delay = once(gate, 'open');
      tell(true);
      await vi.advanceTimersByTimeAsync(0);
      store.change();
      for (let count = 0; count < 3; count += 1) tell(true);
      await vi.advanceTimersByTimeAsync(0);
      expect(store.readAt).toHaveLength(readsBefore + 1);
      store.delay = undefined;
      gate.emit('open');
      await vi.advanceTimersByTimeAsync(0);
      expect(store.readAt).toHaveLength(readsBefore + 2);
      expect(found.at(-1)).toEqual(store.value);
    });

    it('reads again within 200 ms if the read after news fails', async () => {
      await startWithNews();
      tell(true);
      await vi.advanceTimersByTimeAsync(0);
      store.isBroken = true;
      store.change();
      tell(true);
      await vi.advanceTimersByTimeAsync(0);
      store.isBroken = false;
      await vi.advanceTimersByTimeAsync(200);
      expect(found.at(-1)).toEqual(store.value);
    });

    it('unsubscribes when it is stopped', async () => {
      await startWithNews();
      stop();
      expect(hasUnsubscribed).toBe(true);
    });
  });
});

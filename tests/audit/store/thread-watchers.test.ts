import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventThread } from '../../../src/audit/domain/event-thread.js';
import type { ThreadHead } from '../../../src/audit/domain/thread-head.js';
import { threadKey } from '../../../src/audit/domain/event-thread.js';
import { type FollowThread, ThreadWatchers } from '../../../src/audit/store/thread-watchers.js';
import { thread } from '../../support/callback-events.js';

const never = new AbortController().signal;
const otherThread = { ...thread, threadId: 'thread-2' };

function version(number: number, epoch = 'a'): ThreadHead {
  return { epoch, version: number, oldestSequence: 1, newestSequence: number };
}

/** A fake follower of threads, driven by the test. */
class FakeFollower {
  readonly found = new Map<string, (record: ThreadHead | undefined) => void>();
  followed = 0;
  stopped = 0;

  readonly follow: FollowThread = (of, announce) => {
    this.followed += 1;
    this.found.set(threadKey(of), announce);
    return () => {
      this.stopped += 1;
      this.found.delete(threadKey(of));
    };
  };

  announce(record: ThreadHead | undefined, of: EventThread = thread): void {
    this.found.get(threadKey(of))?.(record);
  }
}

/** The current state of a promise. */
async function stateOf(promise: Promise<boolean>): Promise<boolean | 'waiting'> {
  return Promise.race([promise, Promise.resolve<'waiting'>('waiting')]);
}

describe('watchers of a thread', () => {
  let watchers: ThreadWatchers;

  beforeEach(() => {
    watchers = new ThreadWatchers();
  });

  it.each<[string, ThreadHead | undefined, ThreadHead | undefined]>([
    ['a later version', version(1), version(2)],
    ['another epoch', version(1), version(1, 'b')],
    ['the first version', undefined, version(1)],
    ['the removal of the log', version(1), undefined],
  ])('are notified of %s', async (_what, seen, now) => {
    const waiting = [1, 2, 3].map(() => watchers.wait(thread, seen, never));
    watchers.announce(thread, now);
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
  });

  it.each<[string, ThreadHead | undefined]>([
    ['the version that they have seen', version(1)],
    ['a missing log that they know is missing', undefined],
  ])('are not notified of %s', async (_what, seen) => {
    const waiting = watchers.wait(thread, seen, never);
    watchers.announce(thread, seen);
    expect(await stateOf(waiting)).toBe('waiting');
    watchers.announce(thread, version(2));
    expect(await waiting).toBe(true);
  });

  it('are not notified of other threads', async () => {
    const waiting = watchers.wait(thread, version(1), never);
    watchers.announce(otherThread, version(2));
    watchers.announce({ ...thread, agentName: 'OtherAgent' }, version(2));
    expect(await stateOf(waiting)).toBe('waiting');
  });

  it('can leave at any time, or not wait at all', async () => {
    const leaving = new AbortController();
    const left = watchers.wait(thread, version(1), leaving.signal);
    const stays = watchers.wait(thread, version(1), never);
    leaving.abort();
    expect(await left).toBe(false);
    expect(await watchers.wait(thread, undefined, leaving.signal)).toBe(false);
    watchers.announce(thread, version(2));
    expect(await stays).toBe(true);
  });

  it('remove their listener from a signal that outlives them', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const waiting = watchers.wait(thread, version(1), signal);
    watchers.announce(thread, version(2));
    await waiting;
    expect(removed).toHaveBeenCalledOnce();
  });

  it('are notified at once of a change that was announced before they came', async () => {
    void watchers.wait(thread, version(5), never);
    watchers.announce(thread, version(5));
    expect(await watchers.wait(thread, version(4), never)).toBe(true);
    expect(await stateOf(watchers.wait(thread, version(5), never))).toBe('waiting');
    expect(await stateOf(watchers.wait(thread, version(6), never))).toBe('waiting');
  });

  it('do not loop if the announced epoch differs from the one they have read', async () => {
    void watchers.wait(thread, version(5), never);
    watchers.announce(thread, version(5));
    expect(await stateOf(watchers.wait(thread, version(1, 'b'), never))).toBe('waiting');
  });

  it('are notified of each change if they wait again at once', async () => {
    const seen: number[] = [];
    const reader = (async () => {
      for (let last = 0; last < 5;) {
        await watchers.wait(thread, version(last), never);
        last += 1;
        seen.push(last);
      }
    })();
    for (let number = 1; number <= 5; number += 1) {
      watchers.announce(thread, version(number));
      await Promise.resolve();
      await Promise.resolve();
    }
    await reader;
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('watching a thread of other processes', () => {
  let follower: FakeFollower;
  let watchers: ThreadWatchers;

  beforeEach(() => {
    vi.useFakeTimers();
    follower = new FakeFollower();
    watchers = new ThreadWatchers(follower.follow);
  });

  afterEach(() => void vi.useRealTimers());

  it('follows it once for all watchers, and notifies them', async () => {
    const waiting = [1, 2, 3].map(() => watchers.wait(thread, version(1), never));
    const other = watchers.wait(otherThread, version(1), never);
    expect(follower.followed).toBe(2);
    follower.announce(version(2));
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
    expect(await stateOf(other)).toBe('waiting');
  });

  it('does not start for an announcement without watchers', () => {
    watchers.announce(thread, version(1));
    expect(follower.followed).toBe(0);
  });

  it('continues for a second after the last watcher has left', async () => {
    const first = watchers.wait(thread, version(1), never);
    follower.announce(version(2));
    await first;
    vi.advanceTimersByTime(999);
    expect(follower.stopped).toBe(0);
    vi.advanceTimersByTime(1);
    expect(follower).toMatchObject({ followed: 1, stopped: 1 });
  });

  it('continues for a watcher that returns within that second, and reports missed changes', async () => {
    const first = watchers.wait(thread, version(1), never);
    follower.announce(version(2));
    await first;
    vi.advanceTimersByTime(500);
    const second = watchers.wait(thread, version(2), never);
    vi.advanceTimersByTime(10_000);
    expect(follower).toMatchObject({ followed: 1, stopped: 0 });
    follower.announce(version(3));
    expect(await second).toBe(true);
    follower.announce(version(4));
    expect(await watchers.wait(thread, version(3), never)).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(follower).toMatchObject({ followed: 1, stopped: 1 });
  });

  it('ends when all watchers leave', async () => {
    const leaving = new AbortController();
    const waiting = [1, 2].map(() => watchers.wait(thread, version(1), leaving.signal));
    leaving.abort();
    expect(await Promise.all(waiting)).toEqual([false, false]);
    vi.advanceTimersByTime(1000);
    expect(follower.stopped).toBe(1);
  });

  it('starts again for a later watcher', async () => {
    const first = watchers.wait(thread, version(1), never);
    follower.announce(version(2));
    await first;
    vi.advanceTimersByTime(1000);
    const second = watchers.wait(thread, version(1), never);
    expect(follower.followed).toBe(2);
    follower.announce(version(2));
    expect(await second).toBe(true);
  });

  it('ends when the watchers are closed, and waiting watchers can still leave', async () => {
    const leaving = new AbortController();
    const waiting = watchers.wait(thread, version(1), leaving.signal);
    watchers.close();
    expect(follower.stopped).toBe(1);
    expect(await stateOf(waiting)).toBe('waiting');
    leaving.abort();
    expect(await waiting).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(follower.stopped).toBe(1);
  });

  it('does not end for watchers that came after the close when the earlier ones leave', async () => {
    const leaving = new AbortController();
    const old = watchers.wait(thread, version(1), leaving.signal);
    watchers.close();
    const late = watchers.wait(thread, version(1), never);
    leaving.abort();
    await old;
    vi.advanceTimersByTime(1000);
    follower.announce(version(2));
    expect(await late).toBe(true);
  });
});

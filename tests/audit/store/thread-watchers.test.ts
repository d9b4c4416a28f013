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

/** Follows threads for others, as far as the test tells it what it finds. */
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

/** What a promise has come to by now. */
async function stateOf(promise: Promise<boolean>): Promise<boolean | 'waiting'> {
  return Promise.race([promise, Promise.resolve<'waiting'>('waiting')]);
}

describe('those who watch a thread', () => {
  let watchers: ThreadWatchers;

  beforeEach(() => {
    watchers = new ThreadWatchers();
  });

  it.each<[string, ThreadHead | undefined, ThreadHead | undefined]>([
    ['a later version', version(1), version(2)],
    ['another record', version(1), version(1, 'b')],
    ['that there is a record', undefined, version(1)],
    ['that the record is gone', version(1), undefined],
  ])('are told of %s', async (_what, seen, now) => {
    const waiting = [1, 2, 3].map(() => watchers.wait(thread, seen, never));
    watchers.announce(thread, now);
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
  });

  it.each<[string, ThreadHead | undefined]>([
    ['the record that they have seen', version(1)],
    ['that there is none, which they know', undefined],
  ])('are not told of %s', async (_what, seen) => {
    const waiting = watchers.wait(thread, seen, never);
    watchers.announce(thread, seen);
    expect(await stateOf(waiting)).toBe('waiting');
    watchers.announce(thread, version(2));
    expect(await waiting).toBe(true);
  });

  it('are not told of other threads', async () => {
    const waiting = watchers.wait(thread, version(1), never);
    watchers.announce(otherThread, version(2));
    watchers.announce({ ...thread, agentName: 'OtherAgent' }, version(2));
    expect(await stateOf(waiting)).toBe('waiting');
  });

  it('leave when they like, or do not wait at all', async () => {
    const leaving = new AbortController();
    const left = watchers.wait(thread, version(1), leaving.signal);
    const stays = watchers.wait(thread, version(1), never);
    leaving.abort();
    expect(await left).toBe(false);
    expect(await watchers.wait(thread, undefined, leaving.signal)).toBe(false);
    watchers.announce(thread, version(2));
    expect(await stays).toBe(true);
  });

  it('take their listener from a signal that outlives them', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const waiting = watchers.wait(thread, version(1), signal);
    watchers.announce(thread, version(2));
    await waiting;
    expect(removed).toHaveBeenCalledOnce();
  });

  it('are told at once of what was announced to others before they came', async () => {
    void watchers.wait(thread, version(5), never);
    watchers.announce(thread, version(5));
    expect(await watchers.wait(thread, version(4), never)).toBe(true);
    expect(await stateOf(watchers.wait(thread, version(5), never))).toBe('waiting');
    expect(await stateOf(watchers.wait(thread, version(6), never))).toBe('waiting');
  });

  it('do not run in circles when what was announced is of another record than they have read', async () => {
    void watchers.wait(thread, version(5), never);
    watchers.announce(thread, version(5));
    expect(await stateOf(watchers.wait(thread, version(1, 'b'), never))).toBe('waiting');
  });

  it('are told of each change when they wait again in the same moment', async () => {
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

  it('follows it once for all who wait, and tells them what it finds', async () => {
    const waiting = [1, 2, 3].map(() => watchers.wait(thread, version(1), never));
    const other = watchers.wait(otherThread, version(1), never);
    expect(follower.followed).toBe(2);
    follower.announce(version(2));
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
    expect(await stateOf(other)).toBe('waiting');
  });

  it('is not begun by what is announced while nobody waits', () => {
    watchers.announce(thread, version(1));
    expect(follower.followed).toBe(0);
  });

  it('goes on for a second when the last one who waited is gone', async () => {
    const first = watchers.wait(thread, version(1), never);
    follower.announce(version(2));
    await first;
    vi.advanceTimersByTime(999);
    expect(follower.stopped).toBe(0);
    vi.advanceTimersByTime(1);
    expect(follower).toMatchObject({ followed: 1, stopped: 1 });
  });

  it('goes on for one who comes back within that time, who is told of what they have missed', async () => {
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

  it('ends when those who wait leave', async () => {
    const leaving = new AbortController();
    const waiting = [1, 2].map(() => watchers.wait(thread, version(1), leaving.signal));
    leaving.abort();
    expect(await Promise.all(waiting)).toEqual([false, false]);
    vi.advanceTimersByTime(1000);
    expect(follower.stopped).toBe(1);
  });

  it('begins anew for one who comes later', async () => {
    const first = watchers.wait(thread, version(1), never);
    follower.announce(version(2));
    await first;
    vi.advanceTimersByTime(1000);
    const second = watchers.wait(thread, version(1), never);
    expect(follower.followed).toBe(2);
    follower.announce(version(2));
    expect(await second).toBe(true);
  });

  it('ends with the watchers, and those who wait still leave when they like', async () => {
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

  it('does not end for those who came after the watchers were closed, when those leave who were there', async () => {
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

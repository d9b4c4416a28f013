import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReaderSlots } from '../../../src/audit/http/reader-slots.js';
import { thread } from '../../support/callback-events.js';

const limits = { maxOpen: 4, maxOpenPerThread: 2 };
const maxDurationMs = 10_000;
const named = (threadId: string) => ({ ...thread, threadId });

const tooMany = (limit: RegExp, retryAfterSeconds = 10) =>
  expect.objectContaining({ status: 503, retryAfterSeconds, message: expect.stringMatching(limit) });

describe('reader slots', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));

  afterEach(() => void vi.useRealTimers());

  it('are limited per thread', () => {
    const slots = new ReaderSlots('long polls', limits);
    slots.open(thread, { maxDurationMs });
    const { close } = slots.open(thread, { maxDurationMs });
    expect(() => slots.open(thread, { maxDurationMs })).toThrow(tooMany(/long polls: at most 2 per thread/));
    slots.open({ ...thread, agentName: 'OtherAgent' }, { maxDurationMs });
    close();
    close();
    slots.open(thread, { maxDurationMs });
    expect(() => slots.open(thread, { maxDurationMs })).toThrow(tooMany(/2 per thread/));
  });

  it('are limited in total, and a rejected reader takes none', () => {
    const slots = new ReaderSlots('streams', limits);
    const [first] = ['a', 'b', 'c', 'd'].map((id) => slots.open(named(id), { maxDurationMs }));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(() => slots.open(named('e'), { maxDurationMs })).toThrow(tooMany(/4 per process/));
    }
    first?.close();
    slots.open(named('e'), { maxDurationMs });
    expect(() => slots.open(named('f'), { maxDurationMs })).toThrow(tooMany(/4 per process/));
  });

  it('pass from the longest idle reader to a new one', () => {
    const slots = new ReaderSlots('streams', limits);
    const left: string[] = [];
    const open = (id: string) => slots.open(named(id), { maxDurationMs, evict: () => left.push(id) });
    const [first] = ['a', 'b', 'c', 'd'].map((id) => {
      vi.advanceTimersByTime(10);
      return open(id);
    });
    vi.advanceTimersByTime(10);
    first?.touch();
    vi.advanceTimersByTime(2000);
    for (const id of ['e', 'f', 'g', 'h']) open(id);
    expect(left).toEqual(['b', 'c', 'd', 'a']);
  });

  it('pass to a new reader of a thread from one of the same thread', () => {
    const slots = new ReaderSlots('streams', limits);
    const left: string[] = [];
    for (const name of ['other', 'first', 'second', 'third']) {
      const of = name === 'other' ? named('other') : thread;
      slots.open(of, { maxDurationMs, evict: () => left.push(name) });
    }
    expect(left).toEqual(['first']);
  });

  it('stay with readers that get events, and with those that cannot be evicted', () => {
    const slots = new ReaderSlots('streams', limits);
    slots.open(thread, { maxDurationMs });
    const busy = slots.open(thread, { maxDurationMs, evict: () => expect.unreachable() });
    busy.touch();
    vi.advanceTimersByTime(900);
    // The retry time is when the busy reader could be idle long enough to be evicted.
    expect(() => slots.open(thread, { maxDurationMs })).toThrow(tooMany(/2 per thread/, 1));
  });

  it('come with a retry time after which the first reader must leave', () => {
    const slots = new ReaderSlots('long polls', limits);
    slots.open(thread, { maxDurationMs: 8000 });
    vi.advanceTimersByTime(3000);
    slots.open(thread, { maxDurationMs });
    expect(() => slots.open(thread, { maxDurationMs })).toThrow(tooMany(/2 per thread/, 5));
  });
});

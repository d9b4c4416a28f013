import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenStreams } from '../../../src/audit/http/open-streams.js';
import { thread } from '../../support/callback-events.js';

const limits = { maxOpen: 4, maxOpenPerThread: 2, maxDurationMs: 10_000 };
const named = (threadId: string) => ({ ...thread, threadId });

const tooMany = (limit: RegExp) =>
  expect.objectContaining({ status: 503, retryAfterSeconds: 5, message: expect.stringMatching(limit) });

describe('open streams', () => {
  beforeEach(() => void vi.useFakeTimers());

  afterEach(() => void vi.useRealTimers());

  it('are at most so many of one thread', () => {
    const streams = new OpenStreams(limits);
    streams.open(thread);
    const close = streams.open(thread);
    expect(() => streams.open(thread)).toThrow(tooMany(/2 of one thread/));
    streams.open({ ...thread, agentName: 'OtherAgent' });
    close();
    streams.open(thread);
    expect(() => streams.open(thread)).toThrow(tooMany(/2 of one thread/));
  });

  it('are at most so many in all', () => {
    const streams = new OpenStreams(limits);
    const [close] = ['a', 'b', 'c', 'd'].map((id) => streams.open(named(id)));
    expect(() => streams.open(named('e'))).toThrow(tooMany(/4 in this process/));
    close?.();
    streams.open(named('e'));
    expect(() => streams.open(named('f'))).toThrow(tooMany(/4 in this process/));
  });

  it('make room once, however often they are closed', () => {
    const streams = new OpenStreams(limits);
    const close = streams.open(thread);
    streams.open(thread);
    close();
    close();
    streams.open(thread);
    expect(() => streams.open(thread)).toThrow(tooMany(/of one thread/));
  });

  it('that were refused take no room', () => {
    const streams = new OpenStreams({ ...limits, maxOpenPerThread: 1 });
    const close = streams.open(thread);
    for (let attempt = 0; attempt < 5; attempt += 1) expect(() => streams.open(thread)).toThrow(tooMany(/1 of one/));
    close();
    for (const id of ['a', 'b', 'c', 'd']) streams.open(named(id));
  });

  it('make room when their time is over, also if nobody closes them', () => {
    const streams = new OpenStreams(limits);
    for (const id of ['a', 'a', 'b', 'b']) streams.open(named(id));
    vi.advanceTimersByTime(limits.maxDurationMs);
    expect(() => streams.open(named('c'))).toThrow(tooMany(/in this process/));
    vi.advanceTimersByTime(1000);
    for (const id of ['a', 'a', 'b', 'b']) streams.open(named(id));
    expect(() => streams.open(named('c'))).toThrow(tooMany(/in this process/));
  });
});

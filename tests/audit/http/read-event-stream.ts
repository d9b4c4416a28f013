import { afterEach, beforeEach, vi } from 'vitest';
import type { CallbackEventStore } from '../../../src/audit/store/callback-event-store.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import { EventStream, type EventStreamOptions, type StreamEnd } from '../../../src/audit/http/event-stream.js';
import { ThreadFeed } from '../../../src/audit/http/thread-feed.js';
import { thread } from '../../support/callback-events.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackEventsOf, parseSse, SseEvents } from '../../support/sse-events.js';

export const roomy = { maxDurationMs: 100_000, maxBytes: 1_048_576 };

export type TestOptions = Partial<EventStreamOptions> & {
  readonly limits?: Partial<typeof roomy>;
  readonly onEnd?: () => void;
};

/** A stream as its reader sees it: the texts, then the reason for its end. */
export async function* framesOf(
  store: CallbackEventStore,
  { limits, onEnd, ...options }: TestOptions = {},
): AsyncGenerator<string, StreamEnd> {
  const feed = options.feed ?? new ThreadFeed(store, thread);
  const stream = new EventStream({
    ...roomy,
    ...limits,
    store,
    thread,
    feed,
    after: START,
    filter: {},
    log: createRecordingLog(),
    ...options,
  });
  const release = (): void => onEnd?.();
  stream.ended.then(release, release);
  for await (const bytes of stream.body) yield Buffer.from(bytes).toString();
  return await stream.ended;
}

export function createStream(options: TestOptions = {}) {
  const store = createMemoryStore();
  return { store, frames: framesOf(store, options) };
}

/** Reads to the end. */
export async function readAll(frames: AsyncGenerator<string, 'ended' | 'limit'>) {
  const read = new SseEvents();
  for (;;) {
    const { done, value } = await frames.next();
    if (done) return { read, end: value };
    read.feed(Buffer.from(value));
  }
}

/** The sequences of the events in the next frames. */
export async function nextSequences(frames: AsyncGenerator<string, string>): Promise<number[]> {
  return callbackEventsOf(parseSse((await frames.next()).value).events).map(({ sequence }) => sequence);
}

export function fakeTime(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());
}

/** Everything that the reader has read so far. */
export function follow(frames: AsyncGenerator<string, 'ended' | 'limit'>) {
  const followed = { read: new SseEvents(), end: undefined as string | undefined, sequences: (): number[] => [] };
  followed.sequences = () => callbackEventsOf(followed.read.events).map(({ sequence }) => sequence);
  void (async () => {
    for (;;) {
      const { done, value } = await frames.next();
      if (done) return void (followed.end = value);
      followed.read.feed(Buffer.from(value));
    }
  })();
  return followed;
}

import type { InvocationContext } from '@azure/functions';
import {
  type FollowOptions,
  type RunEventSource,
  type RunEventStream,
  type RunIdentity,
} from '../../durable-agents/index.js';
import { errorText } from '../../functions/error-text.js';
import { HttpError } from '../../functions/http-error.js';
import type { Logger } from '../../functions/logger.js';
import { responseOf } from '../../functions/outgoing-response.js';
import { withTimeout } from '../../functions/time-limits.js';
import { endOf, type EventCursor, parseCursor, START } from '../domain/event-cursor.js';
import { type EventThread, threadKey } from '../domain/event-thread.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import { EventStream, type EventStreamOptions } from './event-stream.js';
import { type ReaderLimits, ReaderSlots, type SlotOptions } from './reader-slots.js';
import { ThreadFeed } from './thread-feed.js';

const FIND_END_MS = 300;

/** Which events of a thread a stream sends. */
export type WantedEvents = Pick<EventStreamOptions, 'after' | 'filter' | 'untilRunEnd'>;

export interface StreamHubOptions extends ReaderLimits {
  readonly store: CallbackEventStore;
  readonly log: Logger;
  /** Maximum duration of a thread's stream. Its reader then reconnects. */
  readonly maxDurationMs: number;
  /** Maximum bytes that a thread's stream sends. */
  readonly maxBytes: number;
  /** Maximum duration of a run's stream, which normally ends with the run. */
  readonly maxRunDurationMs: number;
}

type StreamLimits = Pick<EventStreamOptions, 'maxDurationMs' | 'maxBytes' | 'runEnded' | 'response'>;

/** Opens event streams within the limits. Streams of the same thread share their reads of the store. */
export class StreamHub implements RunEventSource {
  readonly #options: StreamHubOptions;
  readonly #slots: ReaderSlots;
  readonly #feeds = new Map<string, { readonly feed: ThreadFeed; streamCount: number }>();

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.#slots = new ReaderSlots('streams', options);
  }

  get maxDurationMs(): number {
    return this.#options.maxRunDurationMs;
  }

  /**
   * Opens a stream that can be evicted while it is idle.
   *
   * @throws HttpError 503 if too many streams are open
   */
  open(thread: EventThread, wanted: WantedEvents, context: InvocationContext): EventStream {
    const { maxDurationMs, maxBytes } = this.#options;
    const limits = { maxDurationMs, maxBytes, response: responseOf(context) };
    const stream: EventStream = this.#open(thread, wanted, limits, { maxDurationMs, evict: () => stream.close() });
    return stream;
  }

  async follow(
    { agentName, threadId, correlationId }: RunIdentity,
    runEnded: AbortSignal,
    { fromStart = false, lastEventId }: FollowOptions = {},
  ): Promise<RunEventStream> {
    const thread = { agentName, threadId };
    const resumed = lastEventId === undefined ? undefined : eventIdOf(lastEventId);
    const after = resumed ?? (fromStart ? START : await this.#endOf(thread));
    const maxDurationMs = this.#options.maxRunDurationMs;
    const limits = { maxDurationMs, maxBytes: Infinity, runEnded };
    const stream = this.#open(thread, { after, filter: { correlationId } }, limits, { maxDurationMs });
    return { frames: framesOf(stream), close: stream.close };
  }

  #open(thread: EventThread, wanted: WantedEvents, limits: StreamLimits, slotOptions: SlotOptions): EventStream {
    const { store, log } = this.#options;
    const slot = this.#slots.open(thread, slotOptions);
    const key = threadKey(thread);
    const shared = this.#feeds.get(key) ?? { feed: new ThreadFeed(store, thread), streamCount: 0 };
    shared.streamCount += 1;
    this.#feeds.set(key, shared);
    const stream = new EventStream({
      ...wanted,
      ...limits,
      store,
      thread,
      log,
      feed: shared.feed,
      onEvents: slot.touch,
    });
    const release = (): void => {
      slot.close();
      shared.streamCount -= 1;
      if (shared.streamCount === 0) this.#feeds.delete(key);
    };
    stream.ended.then(release, release);
    return stream;
  }

  /** Returns the end of the log. If the store does not respond in time, returns the start: earlier events are skipped. */
  async #endOf(thread: EventThread): Promise<EventCursor> {
    try {
      return endOf(await withTimeout(FIND_END_MS, () => this.#options.store.readHead(thread)));
    } catch (error) {
      this.#options.log.warn(
        `[${thread.agentName}] a stream reads its run's events from the start of the thread: ${errorText(error)}`,
      );
      return START;
    }
  }
}

/** Parses `Last-Event-ID`. @throws HttpError 400 if it is not the id of an event */
export function eventIdOf(lastEventId: string): EventCursor {
  const cursor = parseCursor(lastEventId);
  if (cursor === undefined) throw new HttpError(400, 'Invalid Last-Event-ID: expected the id of an event');
  return cursor;
}

async function* framesOf({ body, ended }: EventStream): RunEventStream['frames'] {
  yield* body;
  return await ended;
}

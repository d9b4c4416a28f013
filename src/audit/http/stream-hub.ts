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

/** What one stream shows of a thread. */
export type WantedEvents = Pick<EventStreamOptions, 'after' | 'filter' | 'untilRunEnd'>;

export interface StreamHubOptions extends ReaderLimits {
  readonly store: CallbackEventStore;
  readonly log: Logger;
  /** How long the stream of a thread may stay open; its reader then reconnects. */
  readonly maxDurationMs: number;
  /** How much the stream of a thread may send. */
  readonly maxBytes: number;
  /** How long the stream of a run may stay open, which ends with the run. */
  readonly maxRunDurationMs: number;
}

type StreamLimits = Pick<EventStreamOptions, 'maxDurationMs' | 'maxBytes' | 'runEnded' | 'response'>;

/** Opens streams of events, as many as the limits allow. Those of one thread share what is read for them. */
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
   * Opens a stream that gives way to others when it is idle.
   *
   * @throws HttpError 503 when too many streams are open
   */
  open(thread: EventThread, wanted: WantedEvents, context: InvocationContext): EventStream {
    const { maxDurationMs, maxBytes } = this.#options;
    const limits = { maxDurationMs, maxBytes, response: responseOf(context) };
    const stream: EventStream = this.#open(thread, wanted, limits, { maxDurationMs, giveWay: () => stream.close() });
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

  /** A run does not wait for a store that cannot be reached; without a position, earlier events are read and skipped. */
  async #endOf(thread: EventThread): Promise<EventCursor> {
    try {
      return endOf(await withTimeout(FIND_END_MS, () => this.#options.store.readHead(thread)));
    } catch (error) {
      this.#options.log.warn(`[${thread.agentName}] reads a run's events from the start: ${errorText(error)}`);
      return START;
    }
  }
}

/** Where a reader resumes. @throws HttpError 400 when it is no id of an event */
export function eventIdOf(lastEventId: string): EventCursor {
  const cursor = parseCursor(lastEventId);
  if (cursor === undefined) throw new HttpError(400, 'Invalid Last-Event-ID: expected the id of an event');
  return cursor;
}

async function* framesOf({ body, ended }: EventStream): RunEventStream['frames'] {
  yield* body;
  return await ended;
}

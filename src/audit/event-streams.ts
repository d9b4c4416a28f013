import {
  type FollowedRun,
  type FollowOptions,
  type RunEventSource,
  type RunEventStream,
} from '../durable-agents/index.js';
import { type EventStreamOptions, streamEvents } from './event-stream.js';
import { OpenStreams } from './open-streams.js';
import type { CallbackEventStore, EventThread } from './store/callback-event-store.js';
import { EventStoreError } from './store/event-store-error.js';
import { endOf, type EventCursor, START } from './store/event-cursor.js';

export interface EventStreamsOptions {
  readonly store: CallbackEventStore;
  /** How long one stream may stay open; its reader then connects again. */
  readonly maxDurationMs: number;
  /** How much one stream may send. */
  readonly maxBytes: number;
  /** How many may be open in this process, … */
  readonly maxOpen: number;
  /** … and how many of them on one thread. */
  readonly maxOpenPerThread: number;
}

/** Opens streams of events, as many as the limits allow. */
export class EventStreams implements RunEventSource {
  readonly #options: EventStreamsOptions;
  readonly #open: OpenStreams;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#open = new OpenStreams(options);
  }

  get maxDurationMs(): number {
    return this.#options.maxDurationMs;
  }

  /** @throws HttpError 503 when too many streams are open */
  open(
    thread: EventThread,
    options: Pick<EventStreamOptions, 'after' | 'filter' | 'isLast' | 'prepare' | 'signal'>,
  ): RunEventStream {
    const { store } = this.#options;
    const close = this.#open.open(thread);
    return { frames: streamEvents({ store, thread, limits: this.#options, ...options, onEnd: close }), close };
  }

  async follow(
    run: FollowedRun,
    ended: AbortSignal,
    { fromStart = false }: FollowOptions = {},
  ): Promise<RunEventStream> {
    const after = fromStart ? START : await this.#endOf(run);
    return this.open(run, { after, filter: { correlationId: run.correlationId }, signal: ended });
  }

  /** A run is not refused because its events cannot be read: what stands before them is skipped in another way. */
  async #endOf(thread: EventThread): Promise<EventCursor> {
    try {
      return endOf((await this.#options.store.list(thread, { limit: 1 })).record);
    } catch (error) {
      if (error instanceof EventStoreError) return START;
      throw error;
    }
  }
}

import type { FollowedRun, FollowOptions, RunEventSource, RunEventStream } from '../durable-agents/index.js';
import type { CallbackEventStore, EventThread } from './callback-event-store.js';
import { endOf, START } from './event-cursor.js';
import { type EventStreamOptions, streamEvents } from './event-stream.js';
import { OpenStreams } from './open-streams.js';

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
    options: Pick<EventStreamOptions, 'after' | 'filter' | 'isLast' | 'signal'>,
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
    const { record } = await this.#options.store.list(run, { after: START, limit: 1 });
    return this.open(run, {
      after: fromStart ? START : endOf(record),
      filter: { correlationId: run.correlationId },
      signal: ended,
    });
  }
}

import type { InvocationContext } from '@azure/functions';
import { withTimeout } from '../../functions/time-limits.js';
import { errorText } from '../../functions/error-text.js';
import {
  type RunIdentity,
  type FollowOptions,
  type RunEventSource,
  type RunEventStream,
} from '../../durable-agents/index.js';
import { type Logger } from '../../functions/logger.js';
import { type EventStreamOptions, streamEvents } from './event-stream.js';
import { OpenStreams } from './open-streams.js';
import type { CallbackEventStore, EventThread } from '../store/callback-event-store.js';
import { endOf, type EventCursor, START } from '../domain/event-cursor.js';
import type { StoredRunRecords } from '../recording/stored-run-records.js';

const FIND_END_MS = 300;

/** What one stream shows of a thread. */
export type WantedEvents = Pick<EventStreamOptions, 'after' | 'filter' | 'untilRunEnd' | 'signal'>;

export interface EventStreamsOptions {
  readonly store: CallbackEventStore;
  /** Marks the answers that are sent. */
  readonly runRecords: Pick<StoredRunRecords, 'withCommitted'>;
  readonly log: Logger;
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

  /**
   * @param context of a function that has a durable client among its inputs
   * @throws HttpError 503 when too many streams are open
   */
  open(thread: EventThread, wanted: WantedEvents, context: InvocationContext): RunEventStream {
    const { store, log, runRecords } = this.#options;
    const close = this.#open.open(thread);
    const frames = streamEvents({
      ...wanted,
      store,
      thread,
      log,
      limits: this.#options,
      prepare: (page) => runRecords.withCommitted(page, context),
      onEnd: close,
    });
    return { frames, close };
  }

  async follow(
    { agentName, threadId, correlationId }: RunIdentity,
    ended: AbortSignal,
    { context, fromStart = false }: FollowOptions,
  ): Promise<RunEventStream> {
    const thread = { agentName, threadId };
    const after = fromStart ? START : await this.#endOf(thread);
    return this.open(thread, { after, filter: { correlationId }, signal: ended }, context);
  }

  /** A run does not wait for a store that is out of reach: what stands before its events is skipped in another way. */
  async #endOf(thread: EventThread): Promise<EventCursor> {
    try {
      const { record } = await withTimeout(FIND_END_MS, () => this.#options.store.list(thread, { limit: 1 }));
      return endOf(record);
    } catch (error) {
      this.#options.log.warn(
        `[${thread.agentName}] the events of a run are looked for from the start: ${errorText(error)}`,
      );
      return START;
    }
  }
}

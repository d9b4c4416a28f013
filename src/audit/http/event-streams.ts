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
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import { endOf, type EventCursor, START } from '../domain/event-cursor.js';

const FIND_END_MS = 300;

/** What one stream shows of a thread. */
export type WantedEvents = Pick<EventStreamOptions, 'after' | 'filter' | 'untilRunEnd' | 'signal'>;

export interface EventStreamsOptions {
  readonly store: CallbackEventStore;
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

  /** @throws HttpError 503 when too many streams are open */
  open(thread: EventThread, wanted: WantedEvents): RunEventStream {
    const { store, log } = this.#options;
    const close = this.#open.open(thread);
    const frames = streamEvents({
      ...wanted,
      store,
      thread,
      log,
      limits: this.#options,
      onEnd: close,
    });
    return { frames, close };
  }

  async follow(
    { agentName, threadId, correlationId }: RunIdentity,
    ended: AbortSignal,
    { fromStart = false }: FollowOptions = {},
  ): Promise<RunEventStream> {
    const thread = { agentName, threadId };
    const after = fromStart ? START : await this.#endOf(thread);
    return this.open(thread, { after, filter: { correlationId }, signal: ended });
  }

  /** A run does not wait for a store that is out of reach: what stands before its events is skipped in another way. */
  async #endOf(thread: EventThread): Promise<EventCursor> {
    try {
      return endOf(await withTimeout(FIND_END_MS, () => this.#options.store.readHead(thread)));
    } catch (error) {
      this.#options.log.warn(
        `[${thread.agentName}] the events of a run are looked for from the start: ${errorText(error)}`,
      );
      return START;
    }
  }
}

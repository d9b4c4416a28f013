import { errorText } from '../../functions/error-text.js';
import { type Logger } from '../../functions/logger.js';
import { raceAbort } from '../../functions/time-limits.js';
import { type EventFilter, readEvents } from './read-events.js';
import type { SentAttempts } from './sent-attempts.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { EventCursor } from '../domain/event-cursor.js';
import { EventStoreError } from '../store/event-store-error.js';

const PAGE_LIMIT = 50;
/** The result of a run waits for its last events, but not for longer for a store that gives no answer. */
const LAST_READ_MS = 2000;

export interface StreamPagesOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly filter: EventFilter;
  readonly log: Logger;
  /**
   * Aborted when the run of the filter has ended: ends the stream behind the run's last event. When that does not come
   * it ends half a second later, or after two seconds in which the store gives no answer. Default: never.
   */
  readonly signal?: AbortSignal;
}

/** What a stream reads of its thread, page by page. */
export class StreamPages {
  readonly #options: StreamPagesOptions;
  readonly #sent: SentAttempts;
  #hasBegun = false;
  #isReachable = true;

  /** @param sent is told what the reader has seen last, before the first page is read */
  constructor(options: StreamPagesOptions, sent: SentAttempts) {
    this.#options = options;
    this.#sent = sent;
  }

  /** @returns `undefined` while the store is out of reach, which is logged once */
  async read(after: EventCursor): Promise<CallbackEventPage | undefined> {
    const { signal } = this.#options;
    try {
      const page = await inTime(this.#read(after), signal);
      this.#isReachable = true;
      return page;
    } catch (error) {
      if (!(error instanceof EventStoreError)) throw error;
      if (this.#isReachable) this.#warn(error);
      this.#isReachable = false;
      return undefined;
    }
  }

  async #read(after: EventCursor): Promise<CallbackEventPage> {
    const { store, thread, filter } = this.#options;
    if (!this.#hasBegun) await this.#sent.begin(store, thread, after, filter);
    this.#hasBegun = true;
    return readEvents(store, thread, filter, { after, limit: PAGE_LIMIT });
  }

  #warn(error: EventStoreError): void {
    const { log, thread } = this.#options;
    log.warn(
      `[${thread.agentName}] a stream of events goes on when the store is back: ${errorText(error)} (thread ${thread.threadId})`,
    );
  }
}

/** @throws EventStoreError when what is followed has ended, and there is no answer since for too long */
async function inTime<Result>(read: Promise<Result>, ended: AbortSignal | undefined): Promise<Result> {
  if (ended === undefined) return read;
  const tooLate = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onEnd = (): void => {
    const error = new EventStoreError(new Error(`There was no answer within ${LAST_READ_MS} ms.`));
    timer = setTimeout(() => tooLate.abort(error), LAST_READ_MS);
  };
  ended.addEventListener('abort', onEnd);
  if (ended.aborted) onEnd();
  try {
    return await raceAbort(read, tooLate.signal);
  } finally {
    clearTimeout(timer);
    ended.removeEventListener('abort', onEnd);
  }
}

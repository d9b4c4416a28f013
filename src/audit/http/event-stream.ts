import type { ServerResponse } from 'node:http';
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { SSE_HEARTBEAT, SSE_RETRY } from '../../functions/sse.js';
import { type EventCursor, formatCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import { StorageError } from '../../storage/storage-error.js';
import { hasMore } from './find-events.js';
import { SentEvents, type SentEventsOptions } from './sent-events.js';
import type { Follower, ThreadFeed } from './thread-feed.js';

const HEARTBEAT_MS = 15_000;
const PAGE_LIMIT = 50;
/** Events of other runs are skipped in larger pages. */
const SEARCH_LIMIT = 1000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
/** How long after the end of a run its last events may still be missing from the store. */
const LAST_EVENTS_MS = 500;
const LAST_EVENTS_POLL_MS = 50;
/** After the end of a run, how long one read of the store may take. */
const LAST_READ_MS = 2000;

const heartbeat = Buffer.from(SSE_HEARTBEAT);

/** `limit`: the reader may reconnect for the rest. */
export type StreamEnd = 'ended' | 'limit';

export interface EventStreamOptions extends SentEventsOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly feed: ThreadFeed;
  readonly log: Logger;
  readonly maxDurationMs: number;
  /**
   * Aborted when the run of the filter has ended: the stream then ends after the run's last event, or half a second
   * later if that is missing. Default: never.
   */
  readonly runEnded?: AbortSignal | undefined;
  /** Where the body is written to. Without it only the body's own queue slows the stream down. */
  readonly response?: ServerResponse | undefined;
  /** Called when events are sent. */
  readonly onEvents?: () => void;
}

/**
 * Follows a thread as server-sent events: `id` is the cursor after the event, `event` its type, `data` its JSON. A
 * reader whose cursor is lost, at the start or by a DELETE, first gets `event: reset`. One that has events of an attempt
 * that is superseded gets `event: superseded`, which has no id.
 *
 * Nothing is queued for a reader: it gets new events from the feed while it takes them, and otherwise reads the store
 * from where it is. While the store cannot be reached it gets heartbeats.
 */
export class EventStream implements Follower {
  readonly body: ReadableStream<Uint8Array>;
  /** Rejects when the stream fails for another reason than a store that cannot be reached. */
  readonly ended: Promise<StreamEnd>;
  head: ThreadHead | undefined;
  readonly #options: EventStreamOptions;
  readonly #sent: SentEvents;
  readonly #deadline: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: NodeJS.Timeout | undefined;
  #readTimer: NodeJS.Timeout | undefined;
  #end: StreamEnd | undefined;
  #runEndedAt = Infinity;
  #isCancelled = false;
  #isWaitingForReader = false;
  #hasBegun = false;
  #isReachable = true;
  #retryMs = FIRST_RETRY_MS;
  /** Ends the current pause. */
  #wake: (() => void) | undefined;
  /** Ends the current read of the store. */
  #abandonRead: ((reason: Error) => void) | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#sent = new SentEvents(options);
    this.#deadline = performance.now() + options.maxDurationMs;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#noteWritable(),
      cancel: () => ((this.#isCancelled = true), this.close()),
    });
    const { response, runEnded } = options;
    response?.on('drain', this.#noteWritable).once('close', this.close);
    if (runEnded?.aborted) this.#noteRunEnd();
    else runEnded?.addEventListener('abort', this.#noteRunEnd, { once: true });
    this.#schedule();
    this.ended = this.#run().finally(() => this.#release());
  }

  get position(): EventCursor {
    return this.#sent.position;
  }

  take(page: CallbackEventPage): boolean {
    this.head = page.head;
    const bytes = this.#sent.take(page);
    if (bytes !== undefined) {
      this.#controller.enqueue(bytes);
      this.#options.onEvents?.();
    }
    return this.#sent.end === undefined && !this.#options.runEnded?.aborted && this.#isWritable;
  }

  /** Ends the stream now, as at a limit. */
  readonly close = (): void => {
    if (this.#end !== undefined) return;
    this.#end = 'limit';
    this.#abandonRead?.(noAnswer());
    this.#stir();
  };

  async #run(): Promise<StreamEnd> {
    const { runEnded, feed } = this.#options;
    // With an id, so that a reader that is cut off before the first event continues from here too.
    this.#controller.enqueue(Buffer.from(`id: ${formatCursor(this.position)}\n${SSE_RETRY}`));
    for (;;) {
      while ((this.#end ?? this.#sent.end) === undefined && !this.#isWritable) await this.#pause();
      if (performance.now() >= this.#deadline) this.close();
      const end = this.#end ?? this.#sent.end;
      if (end !== undefined) return end;
      const isLastRead = runEnded?.aborted ?? false;
      const page = await this.#readPage();
      if (this.#end !== undefined) return this.#end;
      if (page !== undefined) this.take(page);
      if (this.#sent.end !== undefined || (page !== undefined && hasMore(page))) continue;
      if (runEnded?.aborted) {
        // What came since the read began may be the last event.
        if (page !== undefined && !isLastRead) continue;
        if (this.#sent.hasRunEnd || performance.now() - this.#runEndedAt >= LAST_EVENTS_MS) return 'ended';
        await this.#pause(LAST_EVENTS_POLL_MS);
      } else if (page === undefined) {
        this.#controller.enqueue(heartbeat);
        await this.#pause(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      } else {
        this.#retryMs = FIRST_RETRY_MS;
        await feed.follow(this);
      }
    }
  }

  get #isWritable(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0 && this.#options.response?.writableNeedDrain !== true;
  }

  /** @returns undefined while the store cannot be reached, which is logged once */
  async #readPage(): Promise<CallbackEventPage | undefined> {
    const abandoned = new Promise<never>((_, reject) => (this.#abandonRead = reject));
    if (this.#options.runEnded?.aborted) this.#limitRead();
    try {
      const page = await Promise.race([this.#listPage(), abandoned]);
      this.#isReachable = true;
      return page;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (this.#isReachable && this.#end === undefined) this.#warn(error);
      this.#isReachable = false;
      return undefined;
    } finally {
      clearTimeout(this.#readTimer);
      this.#abandonRead = undefined;
    }
  }

  async #listPage(): Promise<CallbackEventPage> {
    const { store, thread } = this.#options;
    if (!this.#hasBegun) await this.#noteLastSeen();
    this.#hasBegun = true;
    const limit = this.#sent.filter.correlationId === undefined ? PAGE_LIMIT : SEARCH_LIMIT;
    return store.list(thread, { after: this.position, limit });
  }

  /** The event at which the reader resumes is one of the run that was going on when it left. */
  async #noteLastSeen(): Promise<void> {
    const { sequence, epoch } = this.position;
    if (sequence === 0) return;
    const { store, thread } = this.#options;
    const page = await store.list(thread, { after: { ...this.position, sequence: sequence - 1 }, limit: 1 });
    const [last] = page.events;
    const isSameLog = epoch === undefined || epoch === page.next.epoch;
    if (last?.sequence === sequence && isSameLog) this.#sent.noteEarlier(last);
  }

  #limitRead(): void {
    this.#readTimer = setTimeout(() => this.#abandonRead?.(noAnswer()), LAST_READ_MS);
  }

  readonly #noteRunEnd = (): void => {
    this.#runEndedAt = performance.now();
    if (this.#abandonRead !== undefined) this.#limitRead();
    this.#stir();
  };

  /** Ends a wait for the reader, but not one for the store. */
  readonly #noteWritable = (): void => {
    if (this.#isWaitingForReader) this.#wake?.();
  };

  /** Lets the stream look again at what it waits for. */
  readonly #stir = (): void => {
    this.#wake?.();
    this.#options.feed.leave(this);
  };

  /** @param ms undefined: until the reader takes more */
  #pause(ms?: number): Promise<void> {
    this.#isWaitingForReader = ms === undefined;
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** One timer for heartbeats and for the stream's time limit. */
  #schedule(): void {
    const waitMs = Math.ceil(Math.min(HEARTBEAT_MS, this.#deadline - performance.now()));
    this.#timer = setTimeout(() => {
      if (performance.now() >= this.#deadline) return this.close();
      if (this.#isWritable) this.#controller.enqueue(heartbeat);
      this.#schedule();
    }, waitMs);
  }

  #release(): void {
    const { response, runEnded } = this.#options;
    clearTimeout(this.#timer);
    response?.off('drain', this.#noteWritable).off('close', this.close);
    runEnded?.removeEventListener('abort', this.#noteRunEnd);
    this.#end ??= 'ended';
    if (!this.#isCancelled) this.#controller.close();
  }

  #warn(error: StorageError): void {
    const { log, thread } = this.#options;
    const { agentName, threadId } = thread;
    log.warn(`[${agentName}] a stream continues when the store is back: ${errorText(error)} (thread ${threadId})`);
  }
}

const noAnswer = (): StorageError => new StorageError(new Error('The store has not answered in time.'));

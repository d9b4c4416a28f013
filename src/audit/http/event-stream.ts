import type { ServerResponse } from 'node:http';
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import type { Logger } from '../../functions/logger.js';
import { disconnectIfUnread } from '../../functions/outgoing-response.js';
import { SSE_HEARTBEAT, SSE_RETRY } from '../../functions/sse.js';
import { type EventCursor, formatCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import { hasMore } from './find-events.js';
import { SentEvents, type SentEventsOptions } from './sent-events.js';
import { StoreReads } from './store-reads.js';
import type { Follower, ThreadFeed } from './thread-feed.js';

const HEARTBEAT_MS = 15_000;
const PAGE_LIMIT = 50;
/** Page limit when most events may belong to other runs. */
const SEARCH_LIMIT = 1000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
/** How long to wait for the last events of a run after it has ended. */
const LAST_EVENTS_MS = 500;
const LAST_EVENTS_POLL_MS = 50;
/** Time limit for one read of the store after the run has ended. */
const LAST_READ_MS = 2000;

const heartbeat = Buffer.from(SSE_HEARTBEAT);

/** `limit` means that the reader may reconnect to continue. */
export type StreamEnd = 'ended' | 'limit';

export interface EventStreamOptions extends SentEventsOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly feed: ThreadFeed;
  readonly log: Logger;
  readonly maxDurationMs: number;
  /**
   * Aborted when the filtered run has ended. The stream then ends after the run's last event, or after half a second if
   * that event is missing. @default never aborted
   */
  readonly runEnded?: AbortSignal | undefined;
  /** The response that the body is written to, for back-pressure. Without it, only the body's own queue limits the stream. */
  readonly response?: ServerResponse | undefined;
  /** Called when the stream sends events. */
  readonly onEvents?: () => void;
}

/**
 * Follows a thread as server-sent events: `id` is the cursor after the event, `event` its type, `data` its JSON. Sends
 * `event: reset` if the reader's cursor is lost, at the start or through a DELETE. Sends `event: superseded`, without an
 * id, if an attempt of which the reader has events is superseded.
 *
 * Buffers no events: a reader that keeps up gets new events from the shared feed, and a slow one reads the store from its
 * own position. Sends heartbeats while the store is unreachable.
 */
export class EventStream implements Follower {
  readonly body: ReadableStream<Uint8Array>;
  /** Rejects if the stream fails, except while the store is unreachable: then the stream retries. */
  readonly ended: Promise<StreamEnd>;
  head: ThreadHead | undefined;
  readonly #options: EventStreamOptions;
  readonly #sent: SentEvents;
  readonly #reads: StoreReads;
  readonly #deadline: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: NodeJS.Timeout | undefined;
  #end: StreamEnd | undefined;
  #runEndedAt = Infinity;
  #isCancelled = false;
  #isWaitingForReader = false;
  #hasBegun = false;
  #retryMs = FIRST_RETRY_MS;
  /** Ends the current pause. */
  #wake: (() => void) | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#sent = new SentEvents(options);
    this.#reads = new StoreReads(options.thread, options.log);
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

  /** Ends the stream, as if it had reached a limit. */
  readonly close = (): void => {
    if (this.#end !== undefined) return;
    this.#end = 'limit';
    this.#reads.close();
    this.#wakeUp();
  };

  async #run(): Promise<StreamEnd> {
    const { runEnded, feed } = this.#options;
    // The id lets a reader that disconnects before the first event resume here.
    this.#controller.enqueue(Buffer.from(`id: ${formatCursor(this.position)}\n${SSE_RETRY}`));
    for (;;) {
      while ((this.#end ?? this.#sent.end) === undefined && !this.#isWritable) await this.#pause();
      if (performance.now() >= this.#deadline) this.close();
      const end = this.#end ?? this.#sent.end;
      if (end !== undefined) return end;
      const isLastRead = runEnded?.aborted ?? false;
      const page = await this.#reads.read(() => this.#listPage(), isLastRead ? LAST_READ_MS : undefined);
      if (this.#end !== undefined) return this.#end;
      if (page !== undefined) this.take(page);
      if (this.#sent.end !== undefined || (page !== undefined && hasMore(page))) continue;
      if (runEnded?.aborted) {
        // The last event may have arrived after this read started.
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

  async #listPage(): Promise<CallbackEventPage> {
    const { store, thread } = this.#options;
    if (!this.#hasBegun) await this.#noteLastSeen();
    this.#hasBegun = true;
    const limit = this.#sent.filter.correlationId === undefined ? PAGE_LIMIT : SEARCH_LIMIT;
    return store.list(thread, { after: this.position, limit });
  }

  /** Records the attempt of the event at which the reader resumes, so that it can be reported as superseded. */
  async #noteLastSeen(): Promise<void> {
    const { sequence, epoch } = this.position;
    if (sequence === 0) return;
    const { store, thread } = this.#options;
    const page = await store.list(thread, { after: { ...this.position, sequence: sequence - 1 }, limit: 1 });
    const [last] = page.events;
    const isSameLog = epoch === undefined || epoch === page.next.epoch;
    if (last?.sequence === sequence && isSameLog) this.#sent.noteEarlier(last);
  }

  readonly #noteRunEnd = (): void => {
    this.#runEndedAt = performance.now();
    this.#reads.limit(LAST_READ_MS);
    this.#wakeUp();
  };

  /** Ends a wait for the reader, but not for the store. */
  readonly #noteWritable = (): void => {
    if (this.#isWaitingForReader) this.#wake?.();
  };

  /** Makes the stream check its state again. */
  readonly #wakeUp = (): void => {
    this.#wake?.();
    this.#options.feed.leave(this);
  };

  /** @param ms - if undefined, waits until the reader has read more */
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

  /** Starts the timer for heartbeats and for the stream's time limit. */
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
    if (response?.writableNeedDrain === true) disconnectIfUnread(response);
    runEnded?.removeEventListener('abort', this.#noteRunEnd);
    this.#end ??= 'ended';
    if (!this.#isCancelled) this.#controller.close();
  }
}

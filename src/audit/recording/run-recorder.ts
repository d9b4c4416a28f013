import { randomUUID } from 'node:crypto';
import { errorText } from '../../functions/error-text.js';
import { type Logger } from '../../functions/logger.js';
import { Countdown } from '../../functions/time-limits.js';
import { EventBuffer } from './event-buffer.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { OpenAttempt } from '../domain/recorded-run.js';
import { StorageError } from '../../storage/storage-error.js';
import type { NewEvent } from '../domain/stored-event.js';
import type { RunDescription } from '../domain/recorded-run.js';
import type { StoreHealth } from './store-health.js';

/** How many events may wait behind those that are being written. */
const MAX_WAITING_EVENTS = 50;
/** How long a run waits for the store in all, before its end. */
const MAX_WAIT_MS = 15_000;
/** A store that acknowledges nothing for this long is given up. */
const DEFAULT_PATIENCE_MS = 10_000;
/** A store that was given up gets this long at the end of the run: more than its longest request takes. */
const LAST_PATIENCE_MS = 4000;
/** The limit for a store that another run has given up. */
const GIVEN_UP_PATIENCE_MS = 1000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

export interface RunRecorderOptions {
  readonly store: CallbackEventStore;
  readonly health: StoreHealth;
  readonly thread: EventThread;
  readonly run: RunDescription;
  readonly log: Logger;
  /** When this delivery of the run began: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** How long the store may acknowledge nothing before the run gives it up. Default: 10 s. */
  readonly patienceMs?: number;
}

/**
 * Writes the events of one delivery of a run: at once when no write is pending, otherwise in batches. The run waits for
 * a slow store while too many events are buffered, for 15 s in all. A store that uses up this time, or acknowledges
 * nothing for 10 s, is given up: the run goes on and only the newest events are offered to the store. The run waits
 * again after the store takes some, unless the 15 s are used up. The end of the run has a time limit of its own.
 */
export class RunRecorder {
  readonly #options: RunRecorderOptions;
  readonly #token = randomUUID();
  readonly #startedMs = performance.now();
  readonly #buffer = new EventBuffer();
  readonly #patience = new Countdown(() => this.#losePatience());
  #attempt: OpenAttempt | undefined;
  #state: 'writing' | 'given up' | 'ending' | 'ended' | 'superseded' = 'writing';
  #isWriting = false;
  /** Whether the store was given up before this run began, and has taken nothing of it yet. */
  #isStoreGivenUp: boolean;
  #failure: unknown;
  readonly #waiting: (() => void)[] = [];
  /** Resolves when the run may go on; set while the run waits for the store before its end. */
  #room: Promise<void> | undefined;
  #roomWaitSinceMs: number | undefined;
  #roomWaitMs = 0;

  constructor(options: RunRecorderOptions) {
    this.#options = options;
    this.#isStoreGivenUp = options.health.isGivenUp;
  }

  /** Begins the attempt, without waiting for it: what an earlier one has left is void from then on. */
  begin(): void {
    this.#write();
  }

  /** Takes an event. @returns a promise only if the buffer is full and the store is not given up */
  add(event: NewEvent): void | Promise<void> {
    this.#put(event);
    if (!this.#isFull()) return undefined;
    return (this.#room ??= this.#waitForRoom());
  }

  /**
   * Takes the last event, and waits until all are kept or given up.
   *
   * @returns whether the last one is kept
   */
  async end(event: NewEvent): Promise<boolean> {
    if (this.#state !== 'superseded') this.#beginEnding();
    this.#put(event);
    while (this.#isAwaited() && !this.#buffer.isEmpty) await this.#untilChange();
    this.#patience.close();
    if (this.#state === 'superseded') return false;
    this.#state = 'ended';
    this.#reportLost();
    return this.#buffer.isLastKept;
  }

  /** The time limit of the end is not renewed by what the store acknowledges. */
  #beginEnding(): void {
    const { patienceMs = DEFAULT_PATIENCE_MS } = this.#options;
    const isGone = this.#state === 'given up' && !this.#hasWaitedEnough();
    const usualMs = isGone ? 0 : Math.min(this.#patience.remainingMs, patienceMs);
    this.#patience.start(this.#patienceMs(Math.max(usualMs, LAST_PATIENCE_MS)));
    this.#state = 'ending';
  }

  #isFull(): boolean {
    return this.#isAwaited() && this.#buffer.waitingCount > MAX_WAITING_EVENTS;
  }

  async #waitForRoom(): Promise<void> {
    this.#roomWaitSinceMs = performance.now();
    const leftMs = this.#maxWaitMs() - this.#waitedMs();
    if (this.#patience.remainingMs > leftMs) this.#patience.start(leftMs);
    while (this.#isFull()) await this.#untilChange();
    this.#roomWaitMs = this.#waitedMs();
    this.#roomWaitSinceMs = undefined;
    this.#room = undefined;
  }

  /** How long the run has waited for the store before its end. */
  #waitedMs(): number {
    const pendingMs = this.#roomWaitSinceMs === undefined ? 0 : performance.now() - this.#roomWaitSinceMs;
    return this.#roomWaitMs + pendingMs;
  }

  #hasWaitedEnough(): boolean {
    return this.#waitedMs() >= this.#maxWaitMs();
  }

  #put(event: NewEvent): void {
    if (this.#state === 'superseded') return;
    this.#buffer.put(event);
    if (this.#state === 'given up') this.#buffer.keepNewest(MAX_WAITING_EVENTS);
    this.#write();
  }

  /** Whether there is hope for the store. */
  #isAwaited(): boolean {
    return this.#state === 'writing' || this.#state === 'ending';
  }

  /** Waits until the writing has brought about something. */
  #untilChange(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  #wakeWaiting(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #write(): void {
    if (!this.#isWriting) void this.#writeAll();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    let pauseMs = FIRST_PAUSE_MS;
    while (this.#hasWork()) {
      try {
        await this.#writeNext();
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        this.#failure = error;
        if (!(error instanceof StorageError)) this.#skip();
        if (!this.#hasWork()) break;
        const jitteredMs = pauseMs * (0.5 + Math.random() / 2);
        await new Promise((resolve) => void setTimeout(resolve, jitteredMs));
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }
    this.#isWriting = false;
  }

  /** What has not been written when the run has ended was counted as lost: it must not be written later. */
  #hasWork(): boolean {
    if (this.#state === 'superseded' || this.#state === 'ended') return false;
    return this.#attempt === undefined || !this.#buffer.isEmpty;
  }

  /** Writes as much as fits into one request. What fails stays in the buffer; the store does not keep an event twice. */
  async #writeNext(): Promise<void> {
    const { store, thread, run, startedAt } = this.#options;
    this.#limitWrite();
    this.#attempt ??= await store.beginAttempt(thread, run, this.#token, startedAt, this.#startedMs);
    if (!this.#hasWork()) return this.#progress();
    const batch = this.#buffer.take();
    const result = await store.append(this.#attempt, batch.firstIndex, batch.events);
    if (result.status === 'superseded') return this.#supersede();
    this.#buffer.settle(batch, result.lostEvents);
    this.#progress();
  }

  #limitWrite(): void {
    if (this.#state !== 'writing' || this.#patience.remainingMs !== Infinity) return;
    const { patienceMs = DEFAULT_PATIENCE_MS } = this.#options;
    const leftMs = this.#room === undefined ? Infinity : this.#maxWaitMs() - this.#waitedMs();
    this.#patience.start(Math.max(0, Math.min(this.#patienceMs(patienceMs), leftMs)));
  }

  /** How long the run waits for the store in all; longer only if the caller allows more for a single silence. */
  #maxWaitMs(): number {
    return Math.max(MAX_WAIT_MS, this.#options.patienceMs ?? 0);
  }

  #patienceMs(usualMs: number): number {
    return this.#isStoreGivenUp ? Math.min(usualMs, GIVEN_UP_PATIENCE_MS) : usualMs;
  }

  #progress(): void {
    this.#isStoreGivenUp = false;
    if (this.#state !== 'ending') this.#patience.stop();
    // Too slow for this run: it stays given up, and health says so.
    const isTooSlow = this.#state === 'given up' && this.#hasWaitedEnough();
    if (!isTooSlow) this.#options.health.markAnswering();
    if (this.#state === 'given up' && !isTooSlow) this.#state = 'writing';
    this.#wakeWaiting();
  }

  #losePatience(): void {
    this.#options.health.markGivenUp();
    this.#giveUp();
  }

  #giveUp(): void {
    this.#patience.stop();
    // What fails now may fail for ever; what follows it may not.
    this.#buffer.dropUnderWay();
    if (this.#state === 'writing') this.#warn(`the run goes on without its events being kept${this.#reason()}`);
    this.#state = this.#state === 'ending' ? 'ended' : 'given up';
    this.#wakeWaiting();
  }

  /** To try the same again is in vain: nothing is waited for, but what follows may be kept. */
  #skip(): void {
    if (this.#state === 'ending' && this.#attempt !== undefined) {
      this.#buffer.dropUnderWay();
      this.#wakeWaiting();
    } else if (this.#state !== 'ended') {
      this.#giveUp();
    }
  }

  #supersede(): void {
    this.#patience.close();
    this.#state = 'superseded';
    this.#warn('another delivery of the run has begun; the events of this one are not kept any more');
    this.#wakeWaiting();
  }

  #reportLost(): void {
    const { count, lostCount } = this.#buffer;
    if (lostCount === 0) return;
    this.#options.health.addLost(lostCount);
    this.#warn(`${lostCount} of the run's ${count} events are lost${this.#reason()}`);
  }

  #reason(): string {
    const reason = this.#failure === undefined ? 'it gives no answer' : errorText(this.#failure);
    return `, as the event store did not take them: ${reason}`;
  }

  #warn(what: string): void {
    const { thread, run, log } = this.#options;
    log.warn(`[${thread.agentName}][${run.correlationId}] ${what} (thread ${thread.threadId})`);
  }
}

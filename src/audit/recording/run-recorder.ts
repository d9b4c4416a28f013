import { randomUUID } from 'node:crypto';
import { errorText } from '../../functions/error-text.js';
import { type Logger } from '../../functions/logger.js';
import { EventBuffer } from './event-buffer.js';
import { Patience } from './patience.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { OpenAttempt } from '../domain/run-record.js';
import { EventStoreError } from '../store/event-store-error.js';
import type { NewEvent } from '../domain/stored-event.js';
import type { RunDescription } from '../domain/run-record.js';
import type { StoreHealth } from './store-health.js';

/** How many events may wait behind those that are being written. */
const MAX_WAITING_EVENTS = 50;
/** A store that acknowledges nothing for so long is given up, … */
const DEFAULT_PATIENCE_MS = 10_000;
/** … but gets another chance at the end of the run: longer than a request takes at most that began while it was gone. */
const LAST_PATIENCE_MS = 4000;
/** Another run has waited for the store in vain: this one need not do it again. */
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
  /** How long a store may acknowledge nothing before it is given up. Default: 10 s. */
  readonly patienceMs?: number;
}

/**
 * Writes the events of one delivery of a run: at once when nothing is being written, else gathered. A slow store slows
 * the run once too many events wait. One that acknowledges nothing for too long is given up: the run goes on, the
 * newest events are offered to the store about once a second, and the run waits for it again as soon as it takes some.
 */
export class RunRecorder {
  readonly #options: RunRecorderOptions;
  readonly #token = randomUUID();
  readonly #startedMs = performance.now();
  readonly #buffer = new EventBuffer();
  readonly #patience = new Patience(() => this.#losePatience());
  #attempt: OpenAttempt | undefined;
  #state: 'writing' | 'given up' | 'ending' | 'ended' | 'superseded' = 'writing';
  #isWriting = false;
  /** Whether the store was given up before this run began, and has taken nothing of it yet. */
  #isStoreGivenUp: boolean;
  #failure: unknown;
  readonly #waiting: (() => void)[] = [];

  constructor(options: RunRecorderOptions) {
    this.#options = options;
    this.#isStoreGivenUp = options.health.isGivenUp;
  }

  /** Begins the attempt, without waiting for it: what an earlier one has left is void from then on. */
  begin(): void {
    this.#write();
  }

  /** Takes an event; waits only while too many others wait, and never for a store that was given up. */
  async add(event: NewEvent): Promise<void> {
    this.#put(event);
    while (this.#isAwaited() && this.#buffer.waitingCount > MAX_WAITING_EVENTS) await this.#untilChange();
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

  #beginEnding(): void {
    const lastMs = this.#patienceMs(LAST_PATIENCE_MS);
    if (this.#state === 'given up' || this.#patience.leftMs < lastMs) this.#patience.restart(lastMs);
    this.#state = 'ending';
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
        if (!(error instanceof EventStoreError)) this.#skip();
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
    const { store, thread, run, startedAt, patienceMs = DEFAULT_PATIENCE_MS } = this.#options;
    if (this.#isAwaited()) this.#patience.begin(this.#patienceMs(patienceMs));
    this.#attempt ??= await store.beginAttempt(thread, run, this.#token, startedAt, this.#startedMs);
    if (!this.#hasWork()) return this.#progress();
    const batch = this.#buffer.take();
    const result = await store.append(this.#attempt, batch.firstIndex, batch.events);
    if (result.status === 'superseded') return this.#supersede();
    this.#buffer.settle(batch, result.lostEvents);
    this.#progress();
  }

  #patienceMs(usualMs: number): number {
    return this.#isStoreGivenUp ? Math.min(usualMs, GIVEN_UP_PATIENCE_MS) : usualMs;
  }

  #progress(): void {
    this.#patience.lift();
    this.#isStoreGivenUp = false;
    this.#options.health.markAnswering();
    if (this.#state === 'given up') this.#state = 'writing';
    this.#wakeWaiting();
  }

  #losePatience(): void {
    this.#options.health.markGivenUp();
    this.#giveUp();
  }

  #giveUp(): void {
    this.#patience.lift();
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

import { randomUUID } from 'node:crypto';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { StorageError } from '../../storage/storage-error.js';
import type { NewEvent } from '../domain/stored-event.js';
import { EventBuffer } from './event-buffer.js';
import { openAttempt, type AttemptOptions, type WritableAttempt } from './open-attempt.js';
import type { StoreHealth } from './store-health.js';
import { StorePatience } from './store-patience.js';

/** Maximum number of events that wait while others are being written. */
const MAX_WAITING_EVENTS = 50;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

export interface RunRecorderOptions extends AttemptOptions {
  readonly health: StoreHealth;
  readonly log: Logger;
  /** How long the store may acknowledge nothing before the run gives up on it. @default 10 s */
  readonly patienceMs?: number;
}

/**
 * Stores the events of one delivery of a run: immediately if no write is pending, otherwise in batches. The run waits
 * for a slow store while too many events are buffered, up to 15 s in total. After that, or if the store acknowledges
 * nothing for 10 s, the run gives up on the store: it continues and retries with the newest events only. It waits again
 * once the store has accepted some, unless the 15 s are used up. The end of the run has its own time limit.
 */
export class RunRecorder {
  readonly #options: RunRecorderOptions;
  readonly #token = randomUUID();
  readonly #startedMs = performance.now();
  readonly #buffer = new EventBuffer();
  readonly #patience: StorePatience;
  #attempt: WritableAttempt | undefined;
  #state: 'writing' | 'given up' | 'ending' | 'ended' | 'superseded' = 'writing';
  #isWriting = false;
  #failure: unknown;
  readonly #waiting: (() => void)[] = [];
  /** Resolves when the run may continue. Set while the run waits for the store before its end. */
  #room: Promise<void> | undefined;

  constructor(options: RunRecorderOptions) {
    this.#options = options;
    this.#patience = new StorePatience({
      usualMs: options.patienceMs,
      isStoreGivenUp: options.health.isGivenUp,
      onLost: () => this.#losePatience(),
    });
  }

  /** Begins the attempt in the store, which supersedes earlier attempts. Does not wait. */
  begin(): void {
    this.#write();
  }

  /** Adds an event. @returns a promise only if the run must wait for the store */
  add(event: NewEvent): void | Promise<void> {
    this.#put(event);
    if (!this.#isFull()) return undefined;
    return (this.#room ??= this.#waitForRoom());
  }

  /**
   * Adds the last event, and waits until all events are stored or dropped.
   *
   * @returns whether the last event is stored
   */
  async end(event: NewEvent): Promise<boolean> {
    if (this.#state !== 'superseded') this.#beginEnding();
    this.#put(event);
    return this.#flush();
  }

  /** Waits until all events are stored or dropped. The run continues in another delivery. */
  async suspend(): Promise<void> {
    if (this.#state !== 'superseded') this.#beginEnding();
    await this.#flush();
  }

  async #flush(): Promise<boolean> {
    while (this.#isAwaited() && !this.#buffer.isEmpty) await this.#untilChange();
    this.#patience.close();
    if (this.#state === 'superseded') return false;
    this.#state = 'ended';
    this.#reportLost();
    return this.#buffer.isLastStored;
  }

  #beginEnding(): void {
    this.#patience.beginEnding(this.#state === 'given up');
    this.#state = 'ending';
  }

  #isFull(): boolean {
    return this.#isAwaited() && this.#buffer.waitingCount > MAX_WAITING_EVENTS;
  }

  async #waitForRoom(): Promise<void> {
    this.#patience.startWaiting();
    while (this.#isFull()) await this.#untilChange();
    this.#patience.stopWaiting();
    this.#room = undefined;
  }

  #put(event: NewEvent): void {
    if (this.#state === 'superseded') return;
    this.#buffer.put(event);
    if (this.#state === 'given up') this.#buffer.keepNewest(MAX_WAITING_EVENTS);
    this.#write();
  }

  #isAwaited(): boolean {
    return this.#state === 'writing' || this.#state === 'ending';
  }

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

  /** Events that were not written before the run ended count as lost and must not be written later. */
  #hasWork(): boolean {
    if (this.#state === 'superseded' || this.#state === 'ended') return false;
    return this.#attempt === undefined || !this.#buffer.isEmpty;
  }

  /**
   * Begins the attempt, or writes one batch. Failed events stay in the buffer. Retries are safe, because the store
   * ignores duplicates.
   */
  async #writeNext(): Promise<void> {
    if (this.#state === 'writing') this.#patience.limitWrite();
    if (this.#attempt === undefined) {
      this.#attempt = await openAttempt(this.#options, this.#token, this.#startedMs);
      return this.#progress();
    }
    const { attempt, earlierCount } = this.#attempt;
    const batch = this.#buffer.take();
    const result = await this.#options.store.append(attempt, earlierCount + batch.firstIndex, batch.events);
    if (result.status === 'superseded') return this.#supersede();
    this.#buffer.settle(batch, result.lostEvents);
    this.#progress();
  }

  #progress(): void {
    this.#patience.acknowledge();
    // The store is too slow for this run, so health must keep reporting it as failing.
    const isTooSlow = this.#state === 'given up' && this.#patience.isUsedUp;
    if (!isTooSlow) this.#options.health.markResponding();
    if (this.#state === 'given up' && !isTooSlow) this.#state = 'writing';
    this.#wakeWaiting();
  }

  #losePatience(): void {
    this.#options.health.markGivenUp();
    this.#giveUp();
  }

  #giveUp(): void {
    this.#patience.stop();
    // These events may fail forever, but later ones may succeed.
    this.#buffer.dropPending();
    if (this.#state === 'writing') this.#warn(`the run continues without storing its events${this.#reason()}`);
    this.#state = this.#state === 'ending' ? 'ended' : 'given up';
    this.#wakeWaiting();
  }

  /** Handles an error that a retry cannot fix: drops the batch so that later events can be stored. */
  #skip(): void {
    if (this.#state === 'ending' && this.#attempt !== undefined) {
      this.#buffer.dropPending();
      this.#wakeWaiting();
    } else if (this.#state !== 'ended') {
      this.#giveUp();
    }
  }

  #supersede(): void {
    this.#patience.close();
    this.#state = 'superseded';
    this.#warn('another delivery of the run has started; the events of this one are no longer stored');
    this.#wakeWaiting();
  }

  #reportLost(): void {
    const { count, lostCount } = this.#buffer;
    if (lostCount === 0) return;
    this.#options.health.addLost(lostCount);
    this.#warn(`${lostCount} of the run's ${count} events are lost${this.#reason()}`);
  }

  #reason(): string {
    const reason = this.#failure === undefined ? 'no response' : errorText(this.#failure);
    return `, because the event store did not accept them: ${reason}`;
  }

  #warn(what: string): void {
    const { thread, run, log } = this.#options;
    log.warn(`[${thread.agentName}][${run.correlationId}] ${what} (thread ${thread.threadId})`);
  }
}

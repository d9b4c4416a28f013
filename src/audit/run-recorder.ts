import { randomUUID } from 'node:crypto';
import { errorText, type Logger } from '../durable-agents/index.js';
import type { CallbackEventStore, EventThread, OpenAttempt } from './store/callback-event-store.js';
import type { NewEvent } from './store/kept-event.js';
import type { RunDescription } from './store/run-record.js';
import type { StoreHealth } from './store-health.js';

/** How many events may wait behind those that are being written. */
const MAX_WAITING_EVENTS = 50;
const MAX_GATHERED_EVENTS = 50;
const MAX_GATHERED_CHARS = 256 * 1024;
/** A store that acknowledges nothing for so long is given up, … */
const DEFAULT_PATIENCE_MS = 10_000;
/** … but gets another chance at the end of the run: longer than a request takes at most that began while it was gone. */
const LAST_PATIENCE_MS = 4000;
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
  #attempt: OpenAttempt | undefined;
  #state: 'writing' | 'given up' | 'superseded' = 'writing';
  /** The newest events, without a gap; those that are being written come first. */
  #buffer: NewEvent[] = [];
  #inFlightCount = 0;
  /** How many events there were. */
  #eventCount = 0;
  /** How many of them came up to the last one that is kept, … */
  #settledCount = 0;
  /** … and how many of those the store has not got, by its own count. */
  #lostCount = 0;
  #isWriting = false;
  #hasEnded = false;
  #failure: unknown;
  #patience: NodeJS.Timeout | undefined;
  #patienceEndsAtMs = Infinity;
  readonly #waiting: (() => void)[] = [];

  constructor(options: RunRecorderOptions) {
    this.#options = options;
  }

  /** Begins the attempt, without waiting for it: what an earlier one has left is void from then on. */
  begin(): void {
    void this.#write();
  }

  /** Takes an event; waits only while too many others wait, and never for a store that was given up. */
  async add(event: NewEvent): Promise<void> {
    this.#put(event);
    await this.#until(() => this.#buffer.length - this.#inFlightCount <= MAX_WAITING_EVENTS);
  }

  /**
   * Takes the last event, and waits until all are kept or given up.
   *
   * @returns whether the last one is kept
   */
  async end(event: NewEvent): Promise<boolean> {
    const { health } = this.#options;
    this.#hasEnded = true;
    if (this.#state === 'given up' || performance.now() + LAST_PATIENCE_MS > this.#patienceEndsAtMs) {
      this.#forgetPatience();
      this.#state = 'writing';
      this.#expectProgress(LAST_PATIENCE_MS);
    }
    this.#put(event);
    await this.#until(() => this.#buffer.length === 0);
    // What is still in there is counted as lost, and must not be written later.
    this.#buffer = [];
    if (this.#state === 'superseded') return false;
    const isKept = this.#settledCount === this.#eventCount;
    const lostCount = this.#lostCount + this.#eventCount - this.#settledCount;
    if (lostCount > 0) {
      health.addLost(lostCount);
      this.#warn(`${lostCount} of the run's ${this.#eventCount} events are lost${this.#reason()}`);
    }
    return isKept;
  }

  #put(event: NewEvent): void {
    if (this.#state === 'superseded') return;
    this.#buffer.push(event);
    this.#eventCount += 1;
    if (this.#state === 'given up') this.#buffer.splice(0, this.#buffer.length - MAX_WAITING_EVENTS);
    void this.#write();
  }

  /** Waits for something that the writing brings about, as long as there is hope for it. */
  async #until(isMet: () => boolean): Promise<void> {
    while (this.#state === 'writing' && !isMet()) {
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  #wakeWaiting(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    let pauseMs = FIRST_PAUSE_MS;
    while (this.#hasWork()) {
      try {
        await this.#writeNext();
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        this.#failure = error;
        const jitteredMs = pauseMs * (0.5 + Math.random() / 2);
        await new Promise((resolve) => void setTimeout(resolve, jitteredMs));
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }
    this.#isWriting = false;
  }

  #hasWork(): boolean {
    if (this.#state === 'superseded' || (this.#state === 'given up' && this.#hasEnded)) return false;
    return this.#attempt === undefined || this.#buffer.length > 0;
  }

  /** Writes as much as fits into one request. What fails stays in the buffer; the store does not keep an event twice. */
  async #writeNext(): Promise<void> {
    const { store, thread, run, startedAt, patienceMs = DEFAULT_PATIENCE_MS } = this.#options;
    if (this.#state === 'writing') this.#expectProgress(patienceMs);
    this.#attempt ??= await store.beginAttempt(thread, run, this.#token, startedAt);
    const events = this.#buffer.slice(0, gatheredCount(this.#buffer));
    if (events.length > 0) {
      const firstIndex = this.#eventCount - this.#buffer.length;
      this.#inFlightCount = events.length;
      const result = await store.append(this.#attempt, firstIndex, events);
      if (result.status === 'superseded') return this.#supersede();
      // Its count is the exact one: what was given up, as an answer got lost, may have been kept.
      this.#lostCount = result.lostEvents;
      this.#settledCount = firstIndex + events.length;
    }
    this.#progress();
  }

  /** Gives the store up when there is no progress in time. */
  #expectProgress(timeoutMs: number): void {
    if (this.#patience !== undefined) return;
    this.#patience = setTimeout(() => this.#giveUp(), timeoutMs);
    this.#patienceEndsAtMs = performance.now() + timeoutMs;
  }

  #progress(): void {
    this.#forgetPatience();
    this.#state = 'writing';
    this.#removeFromBuffer(this.#settledCount - (this.#eventCount - this.#buffer.length));
    this.#wakeWaiting();
  }

  #giveUp(): void {
    this.#forgetPatience();
    this.#state = 'given up';
    // What has failed for so long may fail for ever; what follows it may not.
    this.#removeFromBuffer(this.#inFlightCount);
    if (!this.#hasEnded) this.#warn(`the run goes on without its events being kept${this.#reason()}`);
    this.#wakeWaiting();
  }

  #supersede(): void {
    this.#forgetPatience();
    this.#state = 'superseded';
    this.#buffer = [];
    this.#warn('another delivery of the run has begun; the events of this one are not kept any more');
    this.#wakeWaiting();
  }

  #removeFromBuffer(count: number): void {
    this.#buffer.splice(0, count);
    this.#inFlightCount = 0;
  }

  #forgetPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#patienceEndsAtMs = Infinity;
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

/** How many of the events are written at once: one at least. */
function gatheredCount(events: readonly NewEvent[]): number {
  let chars = 0;
  const tooMuch = events.findIndex(({ fields }, index) => {
    chars += fields.length;
    return index > 0 && (index === MAX_GATHERED_EVENTS || chars > MAX_GATHERED_CHARS);
  });
  return tooMuch === -1 ? events.length : tooMuch;
}

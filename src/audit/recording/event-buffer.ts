import type { NewEvent } from '../domain/stored-event.js';

const MAX_BATCH_EVENTS = 50;
const MAX_BATCH_CHARS = 256 * 1024;

/** Events to write in one request. */
export interface EventBatch {
  /** Index of the first event among all events of the attempt, from 0. */
  readonly firstIndex: number;
  readonly events: readonly NewEvent[];
}

/** Buffers the newest events of an attempt, without gaps, until they are stored or dropped. Counts lost events. */
export class EventBuffer {
  /** Events that are being written come first. */
  #events: NewEvent[] = [];
  #pendingCount = 0;
  #count = 0;
  /** Number of events up to the last stored one. */
  #settledCount = 0;
  /** Number of these events that the store reported as missing. */
  #lostBeforeCount = 0;

  /** Number of events so far. */
  get count(): number {
    return this.#count;
  }

  /** Number of events that wait while others are being written. */
  get waitingCount(): number {
    return this.#events.length - this.#pendingCount;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  get isLastStored(): boolean {
    return this.#settledCount === this.#count;
  }

  /** Number of lost events, assuming that all unsettled ones are lost. */
  get lostCount(): number {
    return this.#lostBeforeCount + this.#count - this.#settledCount;
  }

  put(event: NewEvent): void {
    this.#events.push(event);
    this.#count += 1;
  }

  /** Returns the oldest events that fit into one request. They stay in the buffer until settled or dropped. */
  take(): EventBatch {
    const events = this.#events.slice(0, batchLength(this.#events));
    this.#pendingCount = events.length;
    return { firstIndex: this.#firstIndex, events };
  }

  /**
   * Removes a stored batch, even if it was dropped in the meantime.
   *
   * @param lostEvents - number of events up to the batch's end that the store does not have. It may have dropped events
   * whose acknowledgement was lost.
   */
  settle({ firstIndex, events }: EventBatch, lostEvents: number): void {
    this.#settledCount = firstIndex + events.length;
    this.#lostBeforeCount = lostEvents;
    this.#drop(this.#settledCount - this.#firstIndex);
  }

  /** Drops the events that are being written. */
  dropPending(): void {
    this.#drop(this.#pendingCount);
  }

  /** Drops all but the newest `count` events. */
  keepNewest(count: number): void {
    this.#drop(this.#events.length - count);
  }

  get #firstIndex(): number {
    return this.#count - this.#events.length;
  }

  #drop(count: number): void {
    if (count > 0) this.#events.splice(0, count);
    this.#pendingCount = 0;
  }
}

/** Returns how many events fit into one request, at least one. */
function batchLength(events: readonly NewEvent[]): number {
  let chars = 0;
  const tooMuch = events.findIndex(({ fields }, index) => {
    chars += fields.length;
    return index > 0 && (index === MAX_BATCH_EVENTS || chars > MAX_BATCH_CHARS);
  });
  return tooMuch === -1 ? events.length : tooMuch;
}

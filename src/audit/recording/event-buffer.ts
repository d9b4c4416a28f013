import type { NewEvent } from '../domain/stored-event.js';

const MAX_BATCH_EVENTS = 50;
const MAX_BATCH_CHARS = 256 * 1024;

/** Events that are written together. */
export interface EventBatch {
  /** Of the first one among all events of the attempt, from 0. */
  readonly firstIndex: number;
  readonly events: readonly NewEvent[];
}

/** The newest events of an attempt, without a gap, until a store has them or they are given up; and how many are lost. */
export class EventBuffer {
  /** Those that are being written come first. */
  #events: NewEvent[] = [];
  #underWayCount = 0;
  #count = 0;
  /** How many events there were up to the last one that is kept, … */
  #settledCount = 0;
  /** … and how many of those the store has not got, by its own count. */
  #lostBeforeCount = 0;

  /** How many events there were so far. */
  get count(): number {
    return this.#count;
  }

  /** How many wait behind those that are being written. */
  get waitingCount(): number {
    return this.#events.length - this.#underWayCount;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  get isLastKept(): boolean {
    return this.#settledCount === this.#count;
  }

  /** How many events are lost, if all that are not settled are. */
  get lostCount(): number {
    return this.#lostBeforeCount + this.#count - this.#settledCount;
  }

  put(event: NewEvent): void {
    this.#events.push(event);
    this.#count += 1;
  }

  /** The oldest events, as many as fit into one request. They stay in the buffer until they are settled or dropped. */
  take(): EventBatch {
    const events = this.#events.slice(0, batchLength(this.#events));
    this.#underWayCount = events.length;
    return { firstIndex: this.#firstIndex, events };
  }

  /**
   * The store has a batch, which may have been dropped meanwhile.
   *
   * @param lostEvents how many up to its end the store has not got: what was dropped, as an answer was lost, it may have
   */
  settle({ firstIndex, events }: EventBatch, lostEvents: number): void {
    this.#settledCount = firstIndex + events.length;
    this.#lostBeforeCount = lostEvents;
    this.#drop(this.#settledCount - this.#firstIndex);
  }

  /** Gives up those that are being written. */
  dropUnderWay(): void {
    this.#drop(this.#underWayCount);
  }

  /** Gives up the oldest ones beyond a number. */
  keepNewest(count: number): void {
    this.#drop(this.#events.length - count);
  }

  get #firstIndex(): number {
    return this.#count - this.#events.length;
  }

  #drop(count: number): void {
    if (count > 0) this.#events.splice(0, count);
    this.#underWayCount = 0;
  }
}

/** How many of the events are written at once: one at least. */
function batchLength(events: readonly NewEvent[]): number {
  let chars = 0;
  const tooMuch = events.findIndex(({ fields }, index) => {
    chars += fields.length;
    return index > 0 && (index === MAX_BATCH_EVENTS || chars > MAX_BATCH_CHARS);
  });
  return tooMuch === -1 ? events.length : tooMuch;
}

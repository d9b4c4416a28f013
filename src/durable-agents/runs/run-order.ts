import type { RunRecord } from './run-record.js';

/** Returns the suffix of the keys of rows that list a run. Sorts the newest run first. */
export function runPosition({ order, correlationId }: Pick<RunRecord, 'order' | 'correlationId'>): string {
  return `${invertedOrder(order)}|${correlationId}`;
}

/** Sorts the oldest run first. */
function positionOf({ order, correlationId }: RunRecord): string {
  return `${order}|${correlationId}`;
}

/** Returns the open runs that a run interrupts: the earlier ones, and itself if a later one interrupts it. */
export function interruptedRuns(open: readonly RunRecord[], run: RunRecord): readonly RunRecord[] {
  const position = positionOf(run);
  const isInterrupted = open.some((other) => other.interrupts === true && positionOf(other) > position);
  return open.filter((other) => positionOf(other) < position || (isInterrupted && positionOf(other) === position));
}

/** Inverts the sort order. Applied twice, it returns the original. */
export function invertedOrder(order: string): string {
  return order.replaceAll(/\d/g, (digit) => String(9 - Number(digit)));
}

/** Returns milliseconds since 1970, followed by a count. @param count - at most 5 digits */
export function orderAt(ms: number, count = 0): string {
  return String(ms).padStart(13, '0') + String(count).padStart(5, '0');
}

/** Assigns positions to runs, so that later runs of this process sort after earlier ones. */
export class RunOrder {
  readonly #now: () => Date;
  #lastMs = 0;
  #countInMs = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  next(): string {
    const ms = Math.max(this.#now().getTime(), this.#lastMs);
    this.#countInMs = ms === this.#lastMs ? this.#countInMs + 1 : 0;
    this.#lastMs = ms;
    return orderAt(ms, this.#countInMs);
  }
}

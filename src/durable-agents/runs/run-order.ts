import type { RunRecord } from './run-record.js';

/** Ends the keys of rows that list a run. Sorts the newest run first. */
export function runPosition({ order, correlationId }: Pick<RunRecord, 'order' | 'correlationId'>): string {
  return `${invertedOrder(order)}|${correlationId}`;
}

/** Sorts the other way round. Is its own inverse. */
export function invertedOrder(order: string): string {
  return order.replaceAll(/\d/g, (digit) => String(9 - Number(digit)));
}

/** Milliseconds since 1970, then a count. @param count at most 5 digits */
export function orderAt(ms: number, count = 0): string {
  return String(ms).padStart(13, '0') + String(count).padStart(5, '0');
}

/** Gives each run of this process a later order than those before it. */
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

import type { CallbackEventStore, EventThread, OpenAttempt } from '../../../../src/audit/store/callback-event-store.js';
import type { NewEvent } from '../../../../src/audit/store/kept-event.js';
import type { RunDescription } from '../../../../src/audit/store/run-record.js';
import { failedEvent, finalEvent, streamEvent } from '../../../support/callback-events.js';

/** An attempt in a history: each of its events says whose it is, and its index. */
export class HistoryWriter {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly run: RunDescription;
  /** Its place among all attempts of the history. */
  readonly number: number;
  readonly startedAt: string;
  attempt: OpenAttempt | undefined;
  /** Of the event that comes next. */
  nextIndex = 0;
  /** The index of its final or failed event, which is its last. */
  #end: { readonly index: number; readonly type: 'final' | 'failed' } | undefined;

  constructor(store: CallbackEventStore, thread: EventThread, run: RunDescription, number: number) {
    this.store = store;
    this.thread = thread;
    this.number = number;
    this.startedAt = new Date(Date.UTC(2026, 0, 7, 15, 41, 0, number)).toISOString();
    // Each is of another request: an answer that is committed may be followed by another attempt.
    this.run = { ...run, acceptedAt: this.startedAt };
  }

  get token(): string {
    return `writer-${this.number}`;
  }

  /** Makes its events from some index on; at most those up to its end. */
  makeEvents(offset: number, count: number, last: NewEvent['eventType']) {
    const firstIndex = Math.max(0, this.nextIndex + (this.#end === undefined ? offset : Math.min(offset, 0)));
    const lastIndex = Math.min(firstIndex + count - 1, this.#end?.index ?? Infinity);
    const events: NewEvent[] = [];
    for (let index = firstIndex; index <= lastIndex; index += 1) {
      if (index === lastIndex && index >= this.nextIndex && last !== 'stream') this.#end = { index, type: last };
      events.push(this.#event(index));
    }
    this.nextIndex = Math.max(this.nextIndex, lastIndex + 1);
    return { firstIndex, events };
  }

  #event(index: number): NewEvent {
    const name = `${this.number}#${index}`;
    const timestamp = new Date(Date.UTC(2026, 0, 7, 15, 42, 0, this.number * 100 + index)).toISOString();
    if (this.#end?.index !== index) return streamEvent(name, timestamp);
    return this.#end.type === 'final'
      ? finalEvent(name, timestamp)
      : { ...failedEvent(timestamp), fields: failed(name) };
  }
}

function failed(name: string): string {
  return `"event_type":"failed","error_code":"cut","error_message":"","text":"${name}"`;
}

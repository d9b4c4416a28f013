import { endsRun } from '../../../../src/audit/domain/callback-event.js';
import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { OpenAttempt } from '../../../../src/audit/domain/recorded-run.js';
import type { NewEvent } from '../../../../src/audit/domain/stored-event.js';
import type { RunDescription } from '../../../../src/audit/domain/recorded-run.js';
import { failedEvent, finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import type { HistoryCommand } from './history-commands.js';

const LATE_MS = 60_000;

/** An attempt in a history. Each of its events contains its attempt and index. */
export class HistoryWriter {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly run: RunDescription;
  /** Its number among all attempts of the history. */
  readonly number: number;
  readonly startedAt: string;
  /** Whether its start time is old, as if it had been cut off from the store since then. */
  readonly isLate: boolean;
  readonly waitedMs: number;
  attempt: OpenAttempt | undefined;
  /** The index of the next event. */
  nextIndex = 0;
  /** The index of its last event, which is final or failed. */
  #end: { readonly index: number; readonly type: 'final' | 'failed' } | undefined;

  constructor(
    store: CallbackEventStore,
    thread: EventThread,
    { run, request, isLate }: HistoryCommand & { kind: 'begin' },
    number: number,
  ) {
    this.store = store;
    this.thread = thread;
    this.number = number;
    this.isLate = isLate;
    this.waitedMs = isLate ? LATE_MS : 0;
    const startedAtMs = Date.UTC(2026, 0, 7, 15, 41, 0, number) - (isLate ? LATE_MS : 0);
    this.startedAt = new Date(startedAtMs).toISOString();
    const { acceptedAt, ...described } = runOf(run);
    this.run = { ...described, acceptedAt: request === 0 ? acceptedAt : '2026-01-07T15:40:59.000Z' };
  }

  get token(): string {
    return `writer-${this.number}`;
  }

  /** Creates its events from an index, at most up to its end. */
  makeEvents(offset: number, count: number, last: NewEvent['eventType']) {
    const firstIndex = Math.max(0, this.nextIndex + (this.#end === undefined ? offset : Math.min(offset, 0)));
    const lastIndex = Math.min(firstIndex + count - 1, this.#end?.index ?? Infinity);
    const events: NewEvent[] = [];
    for (let index = firstIndex; index <= lastIndex; index += 1) {
      if (index === lastIndex && index >= this.nextIndex && endsRun(last)) this.#end = { index, type: last };
      events.push(this.#event(index));
    }
    this.nextIndex = Math.max(this.nextIndex, lastIndex + 1);
    return { firstIndex, events };
  }

  #event(index: number): NewEvent {
    const name = this.#nameOf(index);
    const timestamp = new Date(Date.UTC(2026, 0, 7, 15, 42, 0, this.number * 100 + index)).toISOString();
    if (this.#end?.index !== index) return streamEvent(name, timestamp);
    return this.#end.type === 'final'
      ? finalEvent(name, timestamp)
      : { ...failedEvent(timestamp), fields: failed(name) };
  }

  #nameOf(index: number): string {
    return `${this.number}#${index}`;
  }
}

function failed(name: string): string {
  return `"event_type":"failed","error_code":"cut","error_message":"","text":"${name}"`;
}

import type { OpenAttempt } from '../../../src/audit/domain/recorded-run.js';
import type { StoredEvent, NewEvent } from '../../../src/audit/domain/stored-event.js';
import {
  appendEvents,
  beginAttempt,
  clearThread,
  type Decision,
  type ThreadSnapshot,
} from '../../../src/audit/domain/thread-changes.js';
import type { RecordedRun } from '../../../src/audit/domain/recorded-run.js';
import type { ThreadHead } from '../../../src/audit/domain/thread-head.js';
import { runId, runOf, streamEvent, thread } from '../../support/callback-events.js';

export const LATER = '2026-01-07T15:50:00.000Z';
export const STARTED_AT = '2026-01-07T15:41:00.000Z';
export const kept = { status: 'kept', lostEvents: 0 };
export const superseded = { status: 'superseded' };
export const a = streamEvent('a');
export const b = streamEvent('b');
export const c = streamEvent('c');

/** A thread in memory to which tests apply the changes of the domain. */
export class KeptThread {
  head: ThreadHead | undefined;
  runs = new Map<string, RecordedRun>();
  events: StoredEvent[] = [];

  state(run = 1): ThreadSnapshot {
    return { head: this.head, run: this.runs.get(runId(run)) };
  }

  run(number = 1): RecordedRun {
    const run = this.runs.get(runId(number));
    if (run === undefined) throw new Error(`There is no run ${number}.`);
    return run;
  }

  apply<Result>({ change, result }: Decision<Result>): Result {
    if (change === undefined) return result;
    const { head, run, isNewMessage } = change;
    if (isNewMessage !== (run !== undefined && !this.runs.has(run.correlationId)))
      throw new Error('isNewMessage is wrong for this run.');
    if (head.version !== (this.head?.version ?? 0) + 1) throw new Error('A change must increase the version by 1.');
    if (this.head !== undefined && head.epoch !== this.head.epoch) {
      this.runs.clear();
      this.events = [];
    }
    if (run !== undefined) this.runs.set(run.correlationId, run);
    this.head = head;
    this.events.push(...change.events);
    return result;
  }

  begin(token: string, { run = 1, startedAt = STARTED_AT, waitedMs = 0 } = {}): OpenAttempt {
    const attempt = this.apply(beginAttempt(this.state(run), runOf(run), token, startedAt, waitedMs));
    return { thread, run: runOf(run), attempt, token, startedAt };
  }

  append(writer: OpenAttempt, firstIndex: number, ...events: readonly NewEvent[]) {
    const number = Number.parseInt(writer.run.correlationId, 16);
    return this.apply(appendEvents(this.state(number), writer, firstIndex, events));
  }

  clear(): void {
    this.apply(clearThread(this.head));
  }
}

import { endsRun } from '../../../../src/audit/domain/callback-event.js';
import type { AppendResult } from '../../../../src/audit/domain/thread-changes.js';
import type { ThreadTotals } from '../../../../src/audit/domain/thread-head.js';
import type { StoredEvent, NewEvent } from '../../../../src/audit/domain/stored-event.js';
import type { RunAttempt, RunDescription, RecordedRun } from '../../../../src/audit/domain/recorded-run.js';
import type { HistoryWriter } from './history-writer.js';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

interface NaiveRun extends Mutable<Omit<RecordedRun, 'attempts'>> {
  attempts: Mutable<RunAttempt>[];
}

/** Attempts whose start times differ by less than this are ordered by arrival. */
const SAME_TIME_MS = 30_000;

/** The expected log of a thread: plain lists that are changed in place and recounted each time. */
export class NaiveRecord {
  isKnown = false;
  newestSequence = 0;
  events: (StoredEvent & { readonly tokens: NewEvent['tokens'] })[] = [];
  runs = new Map<string, NaiveRun>();

  accept(run: RunDescription): RecordedRun {
    this.isKnown = true;
    let known = this.runs.get(run.correlationId);
    if (known === undefined) {
      known = { ...run, attempts: [] };
      this.runs.set(run.correlationId, known);
    }
    return structuredClone(known);
  }

  begin(writer: HistoryWriter): number {
    this.#acceptBegun(writer.run);
    const { attempts } = this.#run(writer);
    const known = attempts.find(({ token }) => token === writer.token);
    if (known !== undefined) return known.attempt;
    const newest = attempts.at(-1);
    if (newest !== undefined && writer.waitedMs > SAME_TIME_MS && isLongBefore(writer, newest)) return newest.attempt;
    const attempt = (newest?.attempt ?? 0) + 1;
    this.#add(writer, attempt, 0, 0);
    return attempt;
  }

  append(writer: HistoryWriter, attempt: number, firstIndex: number, events: readonly NewEvent[]): AppendResult {
    const attempts = this.runs.get(writer.run.correlationId)?.attempts ?? [];
    const newest = attempts.at(-1);
    if (newest !== undefined && newest.token !== writer.token) {
      const hasHigherNumber = attempt > newest.attempt && writer.startedAt >= newest.startedAt;
      const isLater = isLongBefore(newest, writer) || (hasHigherNumber && !isLongBefore(writer, newest));
      const isKnown = attempts.some(({ token }) => token === writer.token);
      if (!isLater || isKnown) return { status: 'superseded' };
    }
    if (newest?.token !== writer.token) {
      // Only the service itself can make a thread unknown again.
      const lostEvents = this.isKnown ? 0 : firstIndex;
      if (events.length === 0) return { status: 'kept', lostEvents };
      this.#acceptBegun(writer.run);
      this.#add(writer, Math.max(attempt, (newest?.attempt ?? 0) + 1), firstIndex, lostEvents);
    }
    const own = this.#run(writer).attempts.at(-1);
    if (own === undefined) throw new Error('The attempt that was just added is missing.');
    for (const [position, event] of events.entries()) {
      const index = firstIndex + position;
      if (index < own.eventCount) continue;
      own.lostEvents += index - own.eventCount;
      own.eventCount = index + 1;
      this.newestSequence += 1;
      own.lastSequence = this.newestSequence;
      if (endsRun(event.eventType)) own.outcome = event.eventType;
      const { correlationId } = writer.run;
      const { tokens, ...kept } = event;
      this.events.push({ sequence: this.newestSequence, correlationId, attempt: own.attempt, tokens, ...kept });
    }
    return { status: 'kept', lostEvents: own.lostEvents };
  }

  clear(): void {
    this.events = [];
    this.runs.clear();
  }

  list(after: number, limit = Infinity): { readonly events: StoredEvent[]; readonly reset: boolean } {
    // A cursor refers to an event, and is invalid without it.
    const reset = after > 0 && this.events.every(({ sequence }) => sequence !== after);
    const events = this.events.filter(({ sequence }) => reset || sequence > after).slice(0, limit);
    return { reset, events: events.map(({ tokens: _tokens, ...event }) => event) };
  }

  /** Undefined if no event was appended since the thread started or was cleared. */
  totals(): ThreadTotals | undefined {
    const [first] = this.events;
    const last = this.events.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const runs = new Set(this.events.map(({ correlationId }) => correlationId));
    const hasFailed = (id: string): boolean => this.runs.get(id)?.attempts.at(-1)?.outcome === 'failed';
    const sum = (of: 'input' | 'output' | 'total'): number =>
      this.events.reduce((total, { tokens }) => total + (tokens?.[of] ?? 0), 0);
    return {
      firstEventAt: first.timestamp,
      lastEventAt: last.timestamp,
      lastEventType: last.eventType,
      runCount: runs.size,
      failedRunCount: [...runs].filter(hasFailed).length,
      inputTokenCount: sum('input'),
      outputTokenCount: sum('output'),
      totalTokenCount: sum('total'),
    };
  }

  /** The request that starts a run replaces one that was accepted for it but never started. */
  #acceptBegun(run: RunDescription): void {
    this.accept(run);
    const known = this.runs.get(run.correlationId);
    if (known?.attempts.length === 0 && known.requestMessage !== run.requestMessage) Object.assign(known, run);
  }

  #add({ run, token, startedAt }: HistoryWriter, attempt: number, eventCount: number, lostEvents: number): void {
    const known = this.runs.get(run.correlationId);
    if (known === undefined) return;
    known.attempts.push({ attempt, token, startedAt, eventCount, lostEvents });
  }

  #run({ run }: HistoryWriter): NaiveRun {
    const known = this.runs.get(run.correlationId);
    if (known === undefined) throw new Error(`There is no run ${run.correlationId}.`);
    return known;
  }
}

/** Whether one attempt started long before another. */
function isLongBefore(one: { readonly startedAt: string }, other: { readonly startedAt: string }): boolean {
  return Date.parse(other.startedAt) - Date.parse(one.startedAt) > SAME_TIME_MS;
}

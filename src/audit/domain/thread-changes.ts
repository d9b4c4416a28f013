import { endsRun } from './callback-event.js';
import {
  canReturn,
  isReplaced,
  type OpenAttempt,
  type RunAttempt,
  type RunDescription,
  type RecordedRun,
} from './recorded-run.js';
import type { StoredEvent, NewEvent } from './stored-event.js';
import { createEpoch, type ThreadHead, addToTotals, type ThreadTotals, withoutFailedRun } from './thread-head.js';

/*
 * Every change to a thread, as pure functions from its stored state to its next state. They do no I/O: a store applies
 * what they return atomically, on the condition that the head is still the one they were given.
 */

/** Older attempts of a run are dropped. Their events keep the number of the attempt. */
const MAX_KEPT_ATTEMPTS = 20;

/** The stored state of a thread that matters to one run. */
export interface ThreadSnapshot {
  /** Undefined if the thread is unknown. */
  readonly head: ThreadHead | undefined;
  /** Undefined if the run is unknown in the head's epoch. */
  readonly run: RecordedRun | undefined;
}

/** What a store writes. */
export interface ThreadChange {
  readonly head: ThreadHead;
  /** Undefined if no run changes. */
  readonly run?: RecordedRun;
  /** Whether the run is new. The store then also writes its message. */
  readonly isNewMessage: boolean;
  /** New events to add. */
  readonly events: readonly StoredEvent[];
}

export interface Decision<Result> {
  /** Undefined if nothing changes. */
  readonly change?: ThreadChange;
  readonly result: Result;
}

/** The result of appending events. */
export type AppendResult =
  | {
      readonly status: 'kept';
      /** Number of the attempt's events so far that the store did not receive. */
      readonly lostEvents: number;
    }
  /** A newer attempt has started, so the store rejects the events of this one. */
  | { readonly status: 'superseded' };

/** See {@link CallbackEventStore.beginAttempt}. @returns the attempt's number */
export function beginAttempt(
  { head, run }: ThreadSnapshot,
  description: RunDescription,
  token: string,
  startedAt: string,
  waitedMs = 0,
): Decision<number> {
  // A repeated call must not revive a superseded attempt.
  const same = run?.attempts.find((candidate) => candidate.token === token);
  if (same !== undefined) return { result: same.attempt };
  const newest = run?.attempts.at(-1);
  if (newest !== undefined && isReplaced(startedAt, waitedMs, newest)) return { result: newest.attempt };
  const known = run ?? createRun(description);
  const attempt = (newest?.attempt ?? 0) + 1;
  const begun = { attempt, token, startedAt, eventCount: 0, lostEvents: 0 };
  const totals = withoutFailure(head?.totals, newest);
  return {
    result: attempt,
    change: {
      head: {
        ...changed(head),
        ...(totals && { totals }),
        newestAttempt: { correlationId: description.correlationId, attempt },
      },
      run: withAttempt(known, begun),
      isNewMessage: known !== run,
      events: [],
    },
  };
}

/** See {@link CallbackEventStore.append}. */
export function appendEvents(
  { head, run }: ThreadSnapshot,
  writer: OpenAttempt,
  firstIndex: number,
  events: readonly NewEvent[],
): Decision<AppendResult> {
  const newest = run?.attempts.at(-1);
  const isNewest = newest?.token === writer.token;
  if (run !== undefined && !isNewest && !canReturn(run, writer)) return { result: { status: 'superseded' } };
  // The log was cleared, dropped or lost after the attempt started.
  const own: RunAttempt = isNewest ? newest : returnedAttempt(head, writer, newest, firstIndex);
  const { attempt } = own;
  const added = events.slice(Math.max(0, own.eventCount - firstIndex));
  const last = added.at(-1);
  if (last === undefined) return { result: { status: 'kept', lostEvents: own.lostEvents } };

  const before = changed(head);
  const known = run ?? createRun(writer.run);
  const { correlationId } = known;
  const kept = added.map(({ timestamp, eventType, fields }, index): StoredEvent => {
    return { sequence: before.newestSequence + 1 + index, correlationId, attempt, timestamp, eventType, fields };
  });
  const lostEvents = own.lostEvents + Math.max(0, firstIndex - own.eventCount);
  const newestSequence = before.newestSequence + kept.length;
  const ended: RunAttempt = {
    ...own,
    eventCount: firstIndex + events.length,
    lostEvents,
    lastSequence: newestSequence,
    ...(endsRun(last.eventType) && { outcome: last.eventType }),
  };
  const isFirstOfRun = !run?.attempts.some(({ lastSequence }) => lastSequence !== undefined);
  let totals = isNewest ? before.totals : withoutFailure(before.totals, newest);
  for (const [index, event] of added.entries()) totals = addToTotals(totals, event, isFirstOfRun && index === 0);
  return {
    result: { status: 'kept', lostEvents },
    change: {
      head: { ...before, newestSequence, ...(totals && { totals }), newestAttempt: { correlationId, attempt } },
      run: withAttempt(known, ended),
      isNewMessage: known !== run,
      events: kept,
    },
  };
}

/** See {@link CallbackEventStore.clear}. */
export function clearThread(head: ThreadHead | undefined): Decision<void> {
  if (head === undefined) return { result: undefined };
  const { epoch, version, newestSequence } = head;
  const cleared = {
    epoch: createEpoch(epoch),
    version: version + 1,
    oldestSequence: newestSequence + 1,
    newestSequence,
  };
  return { result: undefined, change: { head: cleared, isNewMessage: false, events: [] } };
}

/** Drops the events before `oldestSequence`. */
export function dropOldest(head: ThreadHead, oldestSequence: number): ThreadChange {
  return { head: { ...changed(head), oldestSequence }, isNewMessage: false, events: [] };
}

/**
 * Returns whether a store still needs a run of the current log: the run has stored events, may still get its first one,
 * or is running. A run that a crash interrupted and whose events are all gone is not needed; a redelivery adds it
 * again.
 */
export function isReached(
  { correlationId, attempts }: RecordedRun,
  { oldestSequence, newestAttempt }: Pick<ThreadHead, 'oldestSequence' | 'newestAttempt'>,
): boolean {
  const lastSequences = attempts.flatMap(({ lastSequence }) => lastSequence ?? []);
  const goesOn = correlationId === newestAttempt?.correlationId && attempts.at(-1)?.outcome === undefined;
  return goesOn || lastSequences.length === 0 || lastSequences.some((sequence) => sequence >= oldestSequence);
}

function changed(head: ThreadHead | undefined): ThreadHead {
  if (head !== undefined) return { ...head, version: head.version + 1 };
  return { epoch: createEpoch(), version: 1, oldestSequence: 1, newestSequence: 0 };
}

/**
 * Returns an attempt that continues after its log was cleared or lost. It keeps its number unless a newer one has it.
 */
function returnedAttempt(
  head: ThreadHead | undefined,
  { attempt, token, startedAt }: OpenAttempt,
  newest: RunAttempt | undefined,
  firstIndex: number,
): RunAttempt {
  const number = Math.max(attempt, (newest?.attempt ?? 0) + 1);
  // A clear leaves a head. Without a head the service has lost the thread, including the events of this attempt.
  const lostEvents = head === undefined ? firstIndex : 0;
  return { attempt: number, token, startedAt, eventCount: firstIndex, lostEvents };
}

/** Returns the totals after another attempt superseded a run's newest one, whose failure no longer counts. */
function withoutFailure(totals: ThreadTotals | undefined, newest: RunAttempt | undefined): ThreadTotals | undefined {
  return newest?.outcome === 'failed' ? withoutFailedRun(totals) : totals;
}

function createRun({ correlationId, requestMessage, acceptedAt }: RunDescription): RecordedRun {
  return { correlationId, requestMessage, acceptedAt, attempts: [] };
}

/** Replaces the newest attempt if it has the same token, and otherwise adds one after it. */
function withAttempt(run: RecordedRun, attempt: RunAttempt): RecordedRun {
  const isLatest = run.attempts.at(-1)?.token === attempt.token;
  const others = isLatest ? run.attempts.slice(0, -1) : run.attempts.slice(1 - MAX_KEPT_ATTEMPTS);
  return { ...run, attempts: [...others, attempt] };
}

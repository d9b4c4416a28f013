import {
  canReturn,
  isReplaced,
  type OpenAttempt,
  type RunAttempt,
  type RunDescription,
  type RunRecord,
} from './run-record.js';
import type { StoredEvent, NewEvent } from './stored-event.js';
import { createEpoch, type ThreadHead, addToTotals, type ThreadTotals, withoutFailedRun } from './thread-head.js';

/*
 * All that can happen to the record of a thread, as functions of what is kept to what is to be kept. They neither read
 * nor write: a store applies what they return, all of it or nothing, if the head is still the one they were given.
 */

/** Earlier ones of a run that is cut off again and again are forgotten; their events say what attempt they are of. */
const MAX_KEPT_ATTEMPTS = 20;

/** What is kept of a thread, as far as one run is concerned. */
export interface ThreadSnapshot {
  /** Absent: the thread is unknown. */
  readonly head: ThreadHead | undefined;
  /** Absent: the run is unknown in the head's epoch. */
  readonly run: RunRecord | undefined;
}

/** What is to be kept instead. */
export interface ThreadChange {
  readonly head: ThreadHead;
  /** Absent: no run changes. */
  readonly run?: RunRecord;
  /** Whether the run's record is new, or takes the place of another request's: its message is to be kept as well. */
  readonly isNewMessage: boolean;
  /** To be added; each is new. */
  readonly events: readonly StoredEvent[];
}

export interface Decision<Result> {
  /** Absent: everything stays as it is. */
  readonly change?: ThreadChange;
  readonly result: Result;
}

/** What happened to events that were given to a store. */
export type AppendResult =
  | {
      readonly status: 'kept';
      /** How many of the attempt's events so far the store did not receive. */
      readonly lostEvents: number;
    }
  /** Another attempt has begun: nothing of this one is accepted any more. */
  | { readonly status: 'superseded' };

/** Decides {@link CallbackEventStore.acceptRun}. */
export function acceptRun({ head, run }: ThreadSnapshot, description: RunDescription): Decision<RunRecord> {
  if (run !== undefined) return { result: run };
  const accepted = createRun(description);
  return { result: accepted, change: { head: changed(head), run: accepted, isNewMessage: true, events: [] } };
}

/** See {@link CallbackEventStore.beginAttempt}. @returns the attempt's number */
export function beginAttempt(
  { head, run }: ThreadSnapshot,
  description: RunDescription,
  token: string,
  startedAt: string,
  waitedMs = 0,
): Decision<number> {
  // A superseded attempt stays so: it must not come back by asking again.
  const same = run?.attempts.find((candidate) => candidate.token === token);
  if (same !== undefined) return { result: same.attempt };
  const newest = run?.attempts.at(-1);
  if (newest !== undefined && isReplaced(startedAt, waitedMs, newest)) return { result: newest.attempt };
  const known = runOf(run, description);
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
  // The record was cleared, dropped or lost since the attempt was begun.
  const own: RunAttempt = isNewest ? newest : returnedAttempt(head, writer, newest, firstIndex);
  const { attempt } = own;
  const added = events.slice(Math.max(0, own.eventCount - firstIndex));
  const last = added.at(-1);
  if (last === undefined) return { result: { status: 'kept', lostEvents: own.lostEvents } };

  const before = changed(head);
  const known = runOf(run, writer.run);
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
    ...(last.eventType !== 'stream' && { outcome: last.eventType }),
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
export function clearRecord(head: ThreadHead | undefined): Decision<void> {
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
 * Whether a run's record is still of use, beside those that a clear has left behind: it has kept events, may still get
 * its first one, or goes on. One that was cut off, and whose events are all gone, is not: delivered again, it begins anew.
 */
export function isReached(
  { correlationId, attempts }: RunRecord,
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

/** With its own number, if that is still free: events with a lower one are void, and those with the same are not. */
function returnedAttempt(
  head: ThreadHead | undefined,
  { attempt, token, startedAt }: OpenAttempt,
  newest: RunAttempt | undefined,
  firstIndex: number,
): RunAttempt {
  const number = Math.max(attempt, (newest?.attempt ?? 0) + 1);
  // A clear leaves a head. Without one the service has lost the thread, and with it what the attempt had in there.
  const lostEvents = head === undefined ? firstIndex : 0;
  return { attempt: number, token, startedAt, eventCount: firstIndex, lostEvents };
}

/** Totals in which a run counts no longer as failed, as another attempt takes the place of its newest one. */
function withoutFailure(totals: ThreadTotals | undefined, newest: RunAttempt | undefined): ThreadTotals | undefined {
  return newest?.outcome === 'failed' ? withoutFailedRun(totals) : totals;
}

/**
 * A run as it is known, or as it is begun with: after a clear its key may have been used for another request, which the
 * entity refuses, as it still knows the first.
 */
function runOf(known: RunRecord | undefined, begun: RunDescription): RunRecord {
  if (known === undefined) return createRun(begun);
  const isOther = known.attempts.length === 0 && known.requestMessage !== begun.requestMessage;
  return isOther ? { ...known, ...begun } : known;
}

function createRun({ correlationId, requestMessage, acceptedAt }: RunDescription): RunRecord {
  return { correlationId, requestMessage, acceptedAt, attempts: [] };
}

/** Puts an attempt in the place of the latest one, if that has its token, or behind all. */
function withAttempt(run: RunRecord, attempt: RunAttempt): RunRecord {
  const isLatest = run.attempts.at(-1)?.token === attempt.token;
  const others = isLatest ? run.attempts.slice(0, -1) : run.attempts.slice(1 - MAX_KEPT_ATTEMPTS);
  return { ...run, attempts: [...others, attempt] };
}

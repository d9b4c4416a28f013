import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { RecordedRun } from '../../../../src/audit/domain/recorded-run.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { AppendResult } from '../../../../src/audit/domain/thread-changes.js';
import type { HistoryWriter } from './history-writer.js';

/** The start and end of an action on a logical clock. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Append extends Span {
  readonly writer: HistoryWriter;
  /** The indexes of events that were not known to be stored before. */
  readonly newIndexes: readonly number[];
  readonly result: AppendResult;
}

export interface Begin extends Span {
  readonly writer: HistoryWriter;
  /** Whether the writer begins for the first time. Later begins change nothing unless the thread was cleared. */
  readonly isFirst: boolean;
}

export interface Clear extends Span {
  readonly thread: EventThread;
}

/** What happened in a history, on all its threads. */
interface Actions {
  /** By number. */
  readonly writers: readonly HistoryWriter[];
  readonly begins: readonly Begin[];
  readonly appends: readonly Append[];
  readonly clears: readonly Clear[];
}

/**
 * Checks the laws that hold for a thread in any order of actions.
 *
 * @param events all events of the thread after the last action
 * @param runs the records of its runs after the last action, by correlation id
 * @returns the broken laws
 */
export function brokenLaws(
  actions: Actions,
  thread: EventThread,
  events: readonly StoredEvent[],
  runs: ReadonlyMap<string, RecordedRun>,
): readonly string[] {
  return [
    ...brokenOrder(actions, events),
    ...brokenAcknowledgements(actions, thread, events),
    ...brokenCounts(actions, thread, events, runs),
    ...brokenSupersessions(actions, thread),
  ];
}

/** Each event is stored once. Those of an attempt are in order, after those of earlier attempts. */
function* brokenOrder({ writers }: Actions, events: readonly StoredEvent[]): Iterable<string> {
  const lastIndexes = new Map<number, number>();
  const lastAttempts = new Map<string, number>();
  const writersOfAttempts = new Map<string, number>();
  for (const event of events) {
    const { writer, index } = nameOf(event);
    yield* law(`${writer}#${index} is in order`, index > (lastIndexes.get(writer) ?? -1));
    lastIndexes.set(writer, index);
    yield* law(
      `${writer}#${index} is after earlier attempts`,
      event.attempt >= (lastAttempts.get(event.correlationId) ?? 1),
    );
    lastAttempts.set(event.correlationId, event.attempt);
    const number = `${event.correlationId}|${event.attempt}`;
    yield* law(`attempt ${number} has only one writer`, (writersOfAttempts.get(number) ?? writer) === writer);
    writersOfAttempts.set(number, writer);
    const { correlationId } = writers[writer]?.run ?? {};
    yield* law(`${writer}#${index} belongs to its run`, correlationId === event.correlationId);
  }
}

/** Accepted events are stored unless they were cleared. */
function* brokenAcknowledgements(
  { appends, clears: allClears }: Actions,
  thread: EventThread,
  events: readonly StoredEvent[],
): Iterable<string> {
  const names = new Set(events.map(({ fields }) => textOf(fields)));
  const clears = allClears.filter((clear) => clear.thread === thread);
  for (const { writer, newIndexes, result, start, end } of appends) {
    if (writer.thread !== thread || result.status !== 'kept') continue;
    if (clears.every((clear) => clear.end < start)) {
      for (const index of newIndexes) {
        const name = `${writer.number}#${index}`;
        yield* law(`${name} was acknowledged, so it is stored`, names.has(name));
      }
    }
    const isAgain = appends.some((other) => other.writer === writer && other.end > end);
    if (!isAgain && clears.some((clear) => clear.start > end)) {
      for (const index of newIndexes) {
        const name = `${writer.number}#${index}`;
        yield* law(`${name} was cleared, so it is gone`, !names.has(name));
      }
    }
  }
}

/** Run records count the stored and missing events of each attempt. */
function* brokenCounts(
  { clears }: Actions,
  thread: EventThread,
  events: readonly StoredEvent[],
  runs: ReadonlyMap<string, RecordedRun>,
): Iterable<string> {
  const wasCleared = clears.some((clear) => clear.thread === thread);
  for (const [id, run] of runs) {
    for (const { token, eventCount, lostEvents, lastSequence } of run.attempts) {
      const own = events.filter((event) => event.correlationId === id && token === tokenOf(event));
      const last = own.at(-1);
      yield* law(`the run record has the last event of ${token}`, last?.sequence === lastSequence);
      yield* law(
        `the run record has the event count of ${token}`,
        last === undefined || nameOf(last).index === eventCount - 1,
      );
      const missing = eventCount - lostEvents - own.length;
      yield* law(
        `the run record has the number of events that ${token} lost`,
        wasCleared ? missing >= 0 : missing === 0,
      );
    }
  }
}

/** When the other attempts of a writer's run started. */
function othersOf(begins: readonly Begin[], writer: HistoryWriter): readonly Begin[] {
  return begins.filter(
    (begin) =>
      begin.writer !== writer &&
      begin.writer.thread === writer.thread &&
      begin.writer.run.correlationId === writer.run.correlationId,
  );
}

/**
 * An attempt cannot append after a later one has started. A late attempt cannot append after one that is not late has
 * started. Otherwise it can.
 */
function* brokenSupersessions({ begins, appends, clears: allClears }: Actions, thread: EventThread): Iterable<string> {
  for (const { writer, result, start, end } of appends) {
    if (writer.thread !== thread) continue;
    const own = begins.filter((begin) => begin.writer === writer);
    const ownStart = own[0]?.start ?? 0;
    const others = othersOf(begins, writer);
    const clears = allClears.filter((clear) => clear.thread === thread);
    const isCertain = others.some((begin) => {
      const { isLate, number } = begin.writer;
      const isLater = isLate === writer.isLate && number > writer.number && own.every((mine) => mine.end < begin.start);
      const isYounger = !isLate && writer.isLate;
      const isKnown = clears.every((clear) => clear.end < begin.start || clear.start > end);
      return begin.isFirst && begin.end < start && isKnown && (isLater || isYounger);
    });
    // A clear discards attempts. An attempt that begins again after it counts as new.
    const hasReturned = others.some((begin) => !begin.isFirst && clears.some((clear) => clear.start < begin.end));
    const isSuperseded = result.status === 'superseded';
    yield* law(`writer ${writer.number} is superseded`, isSuperseded || !isCertain || hasReturned);
    // Of two attempts whose run was cleared, the one that continues first stays, unless the other has a higher
    // number. A late attempt never replaces one that is not late.
    const wasCleared = clears.some((clear) => clear.start < end);
    const isPossible = others.some(
      ({ start: begun, end: known, writer: { isLate } }) =>
        begun < end && (isLate === writer.isLate ? wasCleared || known > ownStart : !isLate),
    );
    yield* law(`writer ${writer.number} is superseded only by another attempt`, !isSuperseded || isPossible);
  }
}

function* law(text: string, isKept: boolean): Iterable<string> {
  if (!isKept) yield text;
}

function textOf(fields: string): string {
  const { text, response_text: answer }: { text?: string; response_text?: string } = JSON.parse(`{${fields}}`);
  return text ?? answer ?? '';
}

/** The attempt of an event, and its index. */
function nameOf({ fields }: StoredEvent): { readonly writer: number; readonly index: number } {
  const [writer, index] = textOf(fields).split('#').map(Number);
  if (writer === undefined || index === undefined)
    throw new Error(`This event does not belong to the history: ${fields}`);
  return { writer, index };
}

function tokenOf(event: StoredEvent): string {
  return `writer-${nameOf(event).writer}`;
}

import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { EventLog, type LogEntry } from './event-log.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { RecordedRun } from '../../domain/recorded-run.js';

const TIMESTAMP_LENGTH = '2026-01-07T15:40:02.123Z'.length;

/** Data that many events of a thread share. */
type EventTag = Pick<StoredEvent, 'correlationId' | 'attempt' | 'eventType'>;

/** The events and runs of one thread in memory. */
export interface MemoryThread {
  readonly thread: EventThread;
  head: ThreadHead;
  readonly runs: Map<string, RecordedRun>;
  /** Timestamp and fields of each event. */
  readonly events: EventLog<EventTag>;
  /** The latest tag, shared by many events. */
  tag?: EventTag;
  hasDropped: boolean;
}

export function createMemoryThread(thread: EventThread, head: ThreadHead): MemoryThread {
  return { thread, head, runs: new Map(), events: new EventLog(), hasDropped: false };
}

/** Returns the tag of an event. Reuses the tag of the previous event if it is equal. */
export function tagOf(thread: MemoryThread, { correlationId, attempt, eventType }: StoredEvent): EventTag {
  const { tag } = thread;
  if (tag?.correlationId === correlationId && tag.attempt === attempt && tag.eventType === eventType) return tag;
  thread.tag = { correlationId, attempt, eventType };
  return thread.tag;
}

export function toStoredEvent({ sequence, text, tag }: LogEntry<EventTag>): StoredEvent {
  const { correlationId, attempt, eventType } = tag;
  const timestamp = text.slice(0, TIMESTAMP_LENGTH);
  return { sequence, correlationId, attempt, eventType, timestamp, fields: text.slice(TIMESTAMP_LENGTH) };
}

/** Returns the runs of some events, and the run of the newest attempt. */
export function runsOf(
  events: readonly StoredEvent[],
  { newestAttempt }: ThreadHead,
  runs: ReadonlyMap<string, RecordedRun>,
): ReadonlyMap<string, RecordedRun> {
  const found = new Map<string, RecordedRun>();
  const add = (correlationId: string): void => {
    if (found.has(correlationId)) return;
    const run = runs.get(correlationId);
    if (run !== undefined) found.set(correlationId, run);
  };
  for (const { correlationId } of events) add(correlationId);
  if (newestAttempt !== undefined) add(newestAttempt.correlationId);
  return found;
}

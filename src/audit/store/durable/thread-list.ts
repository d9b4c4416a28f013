import { ZodError } from 'zod';
import type { EventThreadSummary } from '../callback-event-store.js';
import { eventCountOf, type ThreadHead } from '../../domain/thread-head.js';
import type { ThreadTotals } from '../../domain/thread-totals.js';

/** The threads of an agent, as a service knows them. */
export interface ThreadList {
  /** Those that hold events, the one with the latest event first. */
  readonly threads: EventThreadSummary[];
  /** The ids of those of which it cannot be read what they hold. */
  readonly unreadable: readonly string[];
}

/** What is kept of a thread, by its id. */
export interface ListedRecord {
  readonly threadId: string;
  /** @throws ZodError when it cannot be read */
  read(): RecordSize;
}

export interface RecordSize {
  readonly eventCount: number;
  /** Absent while it has none. */
  readonly totals?: ThreadTotals | undefined;
}

export function sizeOf(head: ThreadHead): RecordSize {
  return { eventCount: eventCountOf(head), totals: head.totals };
}

/** One record that cannot be read must not take the list of all others with it. */
export function toThreadList(agentName: string, records: readonly ListedRecord[]): ThreadList {
  const threads: EventThreadSummary[] = [];
  const unreadable: string[] = [];
  for (const record of records) {
    const { threadId } = record;
    try {
      const { eventCount, totals } = record.read();
      if (totals !== undefined && eventCount > 0) threads.push({ agentName, threadId, eventCount, ...totals });
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      unreadable.push(threadId);
    }
  }
  threads.sort((one, other) => (one.lastEventAt < other.lastEventAt ? 1 : -1));
  return { threads, unreadable };
}

import { ZodError } from 'zod';
import type { EventThreadSummary } from '../callback-event-store.js';
import { eventCountOf, type ThreadHead, type ThreadTotals } from '../../domain/thread-head.js';

/** The threads of an agent. */
export interface ThreadList {
  /** Threads that hold events, the one with the latest event first. */
  readonly threads: EventThreadSummary[];
  /** Ids of threads whose size cannot be read. */
  readonly unreadable: readonly string[];
}

/** A thread, and how to read its size. */
export interface StoredThread {
  readonly threadId: string;
  /** @throws ZodError when it cannot be read */
  read(): ThreadSize;
}

export interface ThreadSize {
  readonly eventCount: number;
  /** Undefined before the first event. */
  readonly totals?: ThreadTotals | undefined;
}

export function sizeOf(head: ThreadHead): ThreadSize {
  return { eventCount: eventCountOf(head), totals: head.totals };
}

/** Makes a list. A thread that cannot be read does not hide the others. */
export function toThreadList(agentName: string, found: readonly StoredThread[]): ThreadList {
  const threads: EventThreadSummary[] = [];
  const unreadable: string[] = [];
  for (const thread of found) {
    const { threadId } = thread;
    try {
      const { eventCount, totals } = thread.read();
      if (totals !== undefined && eventCount > 0) threads.push({ agentName, threadId, eventCount, ...totals });
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      unreadable.push(threadId);
    }
  }
  threads.sort((one, other) => (one.lastEventAt < other.lastEventAt ? 1 : -1));
  return { threads, unreadable };
}

import { z } from 'zod';
import { createThreadState, type ThreadEntry, type ThreadState } from '../thread/thread-state.js';
import type { NewRun } from './run-record.js';

const KEPT_MS = 24 * 60 * 60 * 1000;

const tombstoneSchema = z.object({
  /** When the thread was deleted: ISO 8601 in UTC. */
  deletedAt: z.string(),
  /** Correlation ids of runs that had not ended then. Their signals may still arrive. */
  pending: z.array(z.string()),
});

/** Says that a thread was deleted. It contains nothing of the thread; its key is a hash of the thread id. */
export type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

/** Undefined if there is none, or if it is more than 24 hours old: signals are not delivered later than that. */
export function parseTombstone(text: string | undefined, now: Date): Tombstone | undefined {
  if (text === undefined) return undefined;
  const tombstone = tombstoneSchema.parse(JSON.parse(text));
  return now.getTime() - Date.parse(tombstone.deletedAt) > KEPT_MS ? undefined : tombstone;
}

/** Whether a signal belongs to the deleted thread, not to one that began after it. */
export function refuses({ deletedAt, pending }: Tombstone, run: Pick<NewRun, 'correlationId' | 'createdAt'>): boolean {
  return pending.includes(run.correlationId) || !(Date.parse(run.createdAt) > Date.parse(deletedAt));
}

/** What is left of a thread's state when the turns from before its deletion are gone. */
export function stateAfter(state: ThreadState, deletedAt: string): ThreadState {
  const history = state.data.conversationHistory;
  const isOld = ({ createdAt }: ThreadEntry): boolean => !(Date.parse(createdAt ?? '') > Date.parse(deletedAt));
  const oldEntries = history.filter(isOld);
  if (oldEntries.length === 0) return state;
  // The response to an old request may be newer than the deletion.
  const oldRuns = new Set(oldEntries.map(({ correlationId }) => correlationId));
  const conversationHistory = history.filter((entry) => !isOld(entry) && !oldRuns.has(entry.correlationId));
  return { ...createThreadState(), data: { conversationHistory } };
}

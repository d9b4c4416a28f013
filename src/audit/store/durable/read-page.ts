import type { CallbackEventPage, ListOptions } from '../callback-event-store.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { isLost, START } from '../../domain/event-cursor.js';
import type { DurableStoreAdapter } from './durable-store-adapter.js';
import { StorageError } from '../../../storage/storage-error.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { RunRecord } from '../../domain/run-record.js';

const MAX_TRIES = 20;
const READ_LIMIT = 1000;

/** Reads a page of a thread's record, as it was at one moment: what changes meanwhile is read again. */
export async function readPage(
  storage: DurableStoreAdapter,
  thread: EventThread,
  { after, limit }: Required<ListOptions>,
): Promise<CallbackEventPage> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const head = (await storage.readHead(thread))?.head;
    if (head === undefined) {
      return { thread, events: [], runs: new Map(), reset: isLost(after, undefined), next: START };
    }
    const isLostPlace = isLost(after, head);
    const from = Math.max((isLostPlace ? 0 : after.sequence) + 1, head.oldestSequence);
    const events = await readEvents(storage, thread, from, limit, head.newestSequence);
    const found = await readRunsOfPage(storage, thread, head, from, limit, events);
    if (found === undefined) continue;
    const reset = isLost(after, found.head);
    const next = { epoch: head.epoch, sequence: events.at(-1)?.sequence ?? (reset ? 0 : after.sequence) };
    return { thread, events, ...found, reset, next };
  }
  const cause = new Error(`Thread ${thread.threadId} changed ${MAX_TRIES} times while it was read.`);
  throw new StorageError(cause);
}

/** Events without a gap: those before one are given up, as what the service lets go by itself is older than the rest. */
async function readEvents(
  storage: DurableStoreAdapter,
  thread: EventThread,
  first: number,
  limit: number,
  newest: number,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let from = first; from <= newest && events.length < limit;) {
    const wanted = Math.min(READ_LIMIT, limit - events.length, newest - from + 1);
    const read = await storage.readEvents(thread, from, wanted);
    for (const event of read) {
      // What was added since the head was read is left for the next page.
      if (event.sequence > newest) break;
      const last = events.at(-1);
      if (last !== undefined && event.sequence > last.sequence + 1) events.length = 0;
      events.push(event);
    }
    const last = read.at(-1);
    if (last === undefined) break;
    from = last.sequence + 1;
  }
  return events;
}

/**
 * The runs of events, and the record as it was read, but for what the service has let go by itself as too old.
 *
 * @returns `undefined` when the record was cleared or dropped meanwhile
 */
async function readRunsOfPage(
  storage: DurableStoreAdapter,
  thread: EventThread,
  head: ThreadHead,
  from: number,
  limit: number,
  events: readonly StoredEvent[],
): Promise<{ readonly runs: Map<string, RunRecord>; readonly head: ThreadHead } | undefined> {
  const ids = new Set(events.map(({ correlationId }) => correlationId));
  const { newestAttempt, epoch } = head;
  if (newestAttempt !== undefined) ids.add(newestAttempt.correlationId);
  const runs = await storage.readRuns(thread, epoch, [...ids]);
  const first = events[0]?.sequence ?? head.newestSequence + 1;
  const isWhole =
    events.length === Math.min(limit, head.newestSequence - first + 1) &&
    events.every(({ sequence }, index) => sequence === first + index);
  const known = new Map(runs.map((run) => [run.correlationId, run]));
  if (isWhole && first <= from && ids.size === known.size) return { runs: known, head };

  const now = (await storage.readHead(thread))?.head;
  const isSame = now?.epoch === head.epoch;
  if (!isSame || now.oldestSequence !== head.oldestSequence || !isWhole) return undefined;
  for (const id of ids) if (!known.has(id)) known.set(id, forgottenRun(id, events));
  if (first <= from) return { runs: known, head };
  return { runs: known, head: { ...head, oldestSequence: first } };
}

/** The oldest event that is not from before `cutoff`; `undefined` if there is none. */
export async function firstEventSince(
  storage: DurableStoreAdapter,
  thread: EventThread,
  { oldestSequence, newestSequence }: ThreadHead,
  cutoff: string,
): Promise<StoredEvent | undefined> {
  // One event first: most threads have nothing to drop.
  for (let first = oldestSequence, limit = 1; first <= newestSequence; limit = READ_LIMIT) {
    const events = await storage.readEvents(thread, first, limit);
    const kept = events.find(({ timestamp }) => timestamp >= cutoff);
    if (kept !== undefined || events.length === 0) return kept;
    first = (events.at(-1)?.sequence ?? newestSequence) + 1;
  }
  return undefined;
}

/** A run whose record the service has let go before its last events: the latest attempt of those stands for it. */
function forgottenRun(correlationId: string, events: readonly StoredEvent[]): RunRecord {
  const ofRun = events.filter((event) => event.correlationId === correlationId);
  const attempt = Math.max(1, ...ofRun.map((event) => event.attempt));
  return {
    correlationId,
    requestMessage: '',
    acceptedAt: '',
    attempts: [{ attempt, token: '', startedAt: '', eventCount: 0, lostEvents: 0 }],
  };
}

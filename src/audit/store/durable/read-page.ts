import { StorageError } from '../../../storage/storage-error.js';
import { isLost, START } from '../../domain/event-cursor.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { CallbackEventPage, ListOptions } from '../callback-event-store.js';
import type { ThreadRows } from './thread-rows.js';

const MAX_TRIES = 20;
const READ_EVENTS = 1000;

/** Reads a consistent page of a thread. Reads again if the thread is cleared or trimmed meanwhile. */
export async function readPage(
  rows: Pick<ThreadRows, 'readHead' | 'readRuns' | 'readEvents'>,
  thread: EventThread,
  { after, limit }: Required<ListOptions>,
): Promise<CallbackEventPage> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const head = (await rows.readHead(thread))?.head;
    if (head === undefined) {
      return { thread, events: [], runs: new Map(), reset: isLost(after, undefined), next: START };
    }
    const reset = isLost(after, head);
    const from = Math.max((reset ? 0 : after.sequence) + 1, head.oldestSequence);
    const events = await readEvents(rows, thread, from, Math.min(limit, head.newestSequence - from + 1));
    if (events === undefined) continue;
    const ids = new Set(events.map(({ correlationId }) => correlationId));
    if (head.newestAttempt !== undefined) ids.add(head.newestAttempt.correlationId);
    const found = ids.size === 0 ? [] : await rows.readRuns(thread, head.epoch, [...ids]);
    if (found.length < ids.size) continue;
    const runs = new Map(found.map((run) => [run.correlationId, run]));
    const next = { epoch: head.epoch, sequence: events.at(-1)?.sequence ?? (reset ? 0 : after.sequence) };
    return { thread, events, runs, reset, next, head };
  }
  throw new StorageError(new Error(`Thread ${thread.threadId} changed ${MAX_TRIES} times while it was read.`));
}

/** @returns undefined if some of them are gone */
async function readEvents(
  rows: Pick<ThreadRows, 'readEvents'>,
  thread: EventThread,
  first: number,
  count: number,
): Promise<StoredEvent[] | undefined> {
  const events: StoredEvent[] = [];
  while (events.length < count) {
    const next = first + events.length;
    const read = await rows.readEvents(thread, next, Math.min(READ_EVENTS, count - events.length));
    if (read.length === 0 || read.some(({ sequence }, index) => sequence !== next + index)) return undefined;
    events.push(...read);
  }
  return events;
}

/** Returns the oldest event since `cutoff` (ISO 8601 in UTC); undefined if all are older. */
export async function firstEventSince(
  rows: Pick<ThreadRows, 'readEvents'>,
  thread: EventThread,
  oldestSequence: number,
  cutoff: string,
): Promise<StoredEvent | undefined> {
  for (let first = oldestSequence; ;) {
    const events = await rows.readEvents(thread, first, READ_EVENTS);
    const kept = events.find(({ timestamp }) => timestamp >= cutoff);
    const last = events.at(-1);
    if (kept !== undefined || last === undefined) return kept;
    first = last.sequence + 1;
  }
}

import { z } from 'zod';
import { cleanForeignText } from '../../functions/foreign-text.js';
import {
  type KeyRange,
  type KeyValueStore,
  readPages,
  retryCommit,
  type StoredValue,
} from '../../storage/key-value-store.js';
import { figuresRow } from '../runs/run-figures.js';
import { RUN_STATUSES, type RunRecord, type RunStatus } from '../runs/run-record.js';
import { type ThreadIdentity, threadHash, threadsPartition } from '../thread/thread-identity.js';

const MAX_TITLE_CHARS = 80;
/** Maximum number of rows that one request scans. */
const MAX_SCANNED = 1000;
const PAGE_LIMIT = 250;
const LAST_MS = 9_999_999_999_999;
/** The rows of threads by id. */
export const THREAD_IDS: KeyRange = { from: 'id|', before: 'id~' };

const entrySchema = z.object({
  threadId: z.string(),
  /** The beginning of the first message. */
  title: z.string(),
  /** Status of the newest run that has started. */
  status: z.enum(RUN_STATUSES),
  createdAt: z.string(),
  /** When its newest run started or ended: ISO 8601 in UTC. */
  lastActivityAt: z.string(),
  /** Id of the user who owns the thread. Undefined if it has no owner. */
  owner: z.string().optional(),
});

/** A thread in the list. */
export type ListedThread = Readonly<z.infer<typeof entrySchema>>;

/** A change of the list by a run. */
export interface ThreadActivity {
  readonly message: string;
  readonly status: RunStatus;
  readonly at: Date;
  /** The owner to set, if the thread has none yet. */
  readonly owner?: string | undefined;
  /** The run, whose figures are stored, too. Undefined if its record is unknown. */
  readonly run?: RunRecord | undefined;
}

export interface ThreadQuery {
  readonly limit: number;
  /** {@link ThreadPage.next} of the previous page. */
  readonly after?: string | undefined;
  readonly status?: RunStatus | undefined;
  /** Only threads whose last activity is at or after this time. */
  readonly since?: Date | undefined;
  /** Only threads whose last activity is before this time. */
  readonly until?: Date | undefined;
  /** Only threads with this text in id or title. Ignores case. */
  readonly text?: string | undefined;
  readonly owner?: string | undefined;
}

export interface ThreadPage {
  /** Most recent activity first. May be fewer than the limit although there are more. */
  readonly threads: readonly ListedThread[];
  /** Undefined: no more pages. */
  readonly next: string | undefined;
}

/**
 * Lists the threads of each agent by the time of their last activity. An agent's list is one partition with two rows
 * per thread: one by id, and one by time, which moves with each change. Both change in one commit. That commit also
 * writes the figures of the run ({@link figuresRow}), so they cost no extra request.
 */
export class ThreadIndex {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /**
   * Puts a thread at the top of the list.
   *
   * @param known - the result of an earlier call, which saves a read
   * @param isDeleted - called if the thread was removed since then: true does not list it again
   */
  async touch(
    thread: ThreadIdentity,
    activity: ThreadActivity,
    known?: StoredValue,
    isDeleted?: () => Promise<boolean>,
  ): Promise<StoredValue> {
    const partition = threadsPartition(thread.agentName);
    const key = idKey(thread);
    let newest = known;
    return retryCommit(async () => {
      const stored = newest ?? (await this.#store.read({ partition, key }));
      newest = undefined;
      if (stored === undefined && known !== undefined && (await isDeleted?.()) === true) return known;
      const before = stored && entrySchema.parse(JSON.parse(stored.value));
      const entry = changedEntry(thread, before, activity);
      const value = JSON.stringify(entry);
      const movedFrom = before && timeKey(before);
      const movedTo = timeKey(entry);
      const tag = await this.#store.commit(partition, { key, tag: stored?.tag }, [
        { key, value },
        { key: movedTo, value },
        ...(movedFrom === undefined || movedFrom === movedTo ? [] : [{ key: movedFrom, value: undefined }]),
        ...(activity.run === undefined ? [] : [figuresRow(activity.run, entry.owner)]),
      ]);
      return tag === undefined ? undefined : { key, value, tag };
    });
  }

  /**
   * Lists a new thread with an owner.
   *
   * @returns the owner of the thread, which may be another user if it was already listed
   */
  async claim(
    thread: ThreadIdentity,
    activity: Required<Pick<ThreadActivity, 'message' | 'at' | 'owner'>>,
  ): Promise<string | undefined> {
    const { value } = await this.touch(thread, { ...activity, status: 'queued' });
    return entrySchema.parse(JSON.parse(value)).owner;
  }

  async find(thread: ThreadIdentity): Promise<ListedThread | undefined> {
    const stored = await this.#store.read({ partition: threadsPartition(thread.agentName), key: idKey(thread) });
    return stored && entrySchema.parse(JSON.parse(stored.value));
  }

  async remove(thread: ThreadIdentity): Promise<void> {
    const partition = threadsPartition(thread.agentName);
    const key = idKey(thread);
    await retryCommit(async () => {
      const stored = await this.#store.read({ partition, key });
      if (stored === undefined) return true;
      const changes = [key, timeKey(entrySchema.parse(JSON.parse(stored.value)))];
      const removed = changes.map((removedKey) => ({ key: removedKey, value: undefined }));
      const tag = await this.#store.commit(partition, { key, tag: stored.tag }, removed);
      return tag === undefined ? undefined : true;
    });
  }

  /**
   * Returns the threads whose last activity is before `time`, most recent first.
   *
   * @param after - the `position` of an earlier thread, to start after it
   */
  async *idleSince(
    agentName: string,
    time: Date,
    after?: string,
  ): AsyncGenerator<{ readonly threadId: string; readonly position: string }> {
    const start = `at|${inverted(time)}~`;
    const resumed = `at|${after ?? ''}-`;
    const range = { from: resumed > start ? resumed : start, before: 'at~' };
    for await (const rows of readPages(this.#store, threadsPartition(agentName), range, PAGE_LIMIT)) {
      for (const { key, value } of rows) {
        yield { threadId: entrySchema.parse(JSON.parse(value)).threadId, position: key.slice('at|'.length) };
      }
    }
  }

  /**
   * Returns a page of threads. Scans a limited number of rows, so a page may be short or empty and still have a `next`.
   */
  async list(agentName: string, query: ThreadQuery): Promise<ThreadPage> {
    const { since, until } = query;
    const before = since === undefined ? 'at~' : `at|${inverted(since)}~`;
    const start = until === undefined ? 'at|' : `at|${inverted(until)}~`;
    const resumed = query.after === undefined ? 'at|' : `at|${query.after}-`;
    const threads: ListedThread[] = [];
    let from = resumed > start ? resumed : start;
    let lastKey: string | undefined;
    for (let scanned = 0; scanned < MAX_SCANNED && from < before;) {
      const rows = await this.#store.readRange(threadsPartition(agentName), { from, before }, PAGE_LIMIT);
      if (rows.length === 0) return { threads, next: undefined };
      for (const { key, value } of rows) {
        const thread = entrySchema.parse(JSON.parse(value));
        if (isWanted(thread, query)) {
          if (threads.length === query.limit) return { threads, next: lastKey };
          threads.push(thread);
        }
        lastKey = key.slice('at|'.length);
      }
      scanned += rows.length;
      from = `at|${lastKey}-`;
    }
    return { threads, next: lastKey };
  }
}

function changedEntry(
  { threadId }: ThreadIdentity,
  before: ListedThread | undefined,
  { message, status, at, owner = before?.owner }: ThreadActivity,
): ListedThread {
  const now = at.toISOString();
  const lastActivityAt = before !== undefined && before.lastActivityAt > now ? before.lastActivityAt : now;
  const kept = before ?? { threadId, title: cleanForeignText(message, MAX_TITLE_CHARS), createdAt: now };
  return { ...kept, status, lastActivityAt, ...(owner !== undefined && { owner: before?.owner ?? owner }) };
}

function isWanted({ threadId, title, ...thread }: ListedThread, { status, text, owner }: ThreadQuery): boolean {
  const wanted = text?.toLowerCase();
  return (
    (status === undefined || thread.status === status) &&
    (owner === undefined || thread.owner === owner) &&
    (wanted === undefined || [threadId, title].some((value) => value.toLowerCase().includes(wanted)))
  );
}

function idKey({ threadId }: ThreadIdentity): string {
  return `id|${threadHash(threadId)}`;
}

/** Returns a key that sorts the most recent activity first. */
function timeKey({ threadId, lastActivityAt }: ListedThread): string {
  return `at|${inverted(new Date(lastActivityAt))}|${threadHash(threadId)}`;
}

function inverted(time: Date): string {
  return String(LAST_MS - time.getTime()).padStart(13, '0');
}

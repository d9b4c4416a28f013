import { randomBytes } from 'node:crypto';
import type { EventThread } from '../../domain/event-thread.js';
import type { DurableStoreAdapter, StoredHead } from '../durable/durable-store-adapter.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import { openTableClient, type TableAccess } from '../../../storage/table/open-table-client.js';
import { pollThread } from '../durable/poll-thread.js';
import { clearRecord, type ThreadChange } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import { planCommit } from './table-commit.js';
import { HEAD_KEY, threadPartition } from './table-keys.js';
import { readEvents, readHead, readRuns } from './table-reads.js';
import { readPartsReference } from './table-records.js';
import { listRuns, removeThreadRows, removeUnreachable } from './table-removals.js';
import { TableRows } from './table-rows.js';
import { type IndexedThread, TableThreadIndex } from './table-thread-index.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { threadKey } from '../../domain/event-thread.js';
import type { ThreadList } from '../durable/thread-list.js';

export interface TableStoreAdapterOptions {
  readonly access: TableAccess;
  /** 3 to 63 letters and digits, beginning with a letter. */
  readonly tableName: string;
}

/** After this time without a change, no process can still be removing what the thread dropped before. */
const REST_MS = 10 * 60_000;
const MAX_REMEMBERED_THREADS = 10_000;

/** Opens a table of a storage account, and makes it if there is none. */
export async function openTableStoreAdapter({
  access,
  tableName,
}: TableStoreAdapterOptions): Promise<TableStoreAdapter> {
  const rows = new TableRows(openTableClient(access, tableName));
  await rows.createTable();
  return new TableStoreAdapter(rows);
}

/**
 * Keeps records in a table of Azure Table Storage: a partition for each thread, and one for the list of each agent's
 * threads. See `table-keys.ts` for what stands where.
 */
export class TableStoreAdapter implements DurableStoreAdapter {
  readonly follow = pollThread(this);
  readonly #rows: TableRows;
  readonly #index: TableThreadIndex;
  /** Threads that this process has marked as open in the list, and the head's epoch and version at that time. */
  readonly #opened = new Map<string, Pick<ThreadHead, 'epoch' | 'version'>>();
  readonly #closing = new Set<Promise<void>>();

  constructor(rows: TableRows) {
    this.#rows = rows;
    this.#index = new TableThreadIndex(rows);
  }

  readHead(thread: EventThread): Promise<StoredHead | undefined> {
    return readHead(this.#rows, thread);
  }

  readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    return readRuns(this.#rows, thread, epoch, correlationIds);
  }

  readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    return readEvents(this.#rows, thread, first, limit);
  }

  async commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    // First, so that the list never misses a thread that has events, nor shows an earlier state of it.
    await this.#open(thread, tag, change);
    const committed = await this.#commit(thread, tag, change);
    if (committed === undefined) return undefined;
    const { head, run, events } = change;
    const lastType = run === undefined ? head.totals?.lastEventType : events.at(-1)?.eventType;
    const isRunning = lastType === 'stream' || (run !== undefined && events.length === 0);
    if (isRunning) return committed;
    this.#opened.delete(threadKey(thread));
    const closed = this.#close(thread, head);
    // The caller of a run does not wait for it.
    if (run === undefined) await closed;
    return committed;
  }

  removeUnreachable(thread: EventThread, head: ThreadHead): Promise<void> {
    return removeUnreachable(this.#rows, thread, head);
  }

  async forgetThread(thread: EventThread): Promise<void> {
    await removeThreadRows(this.#rows, thread);
    await this.#index.remove(thread, undefined);
  }

  listThreads(agentName: string): Promise<ThreadList> {
    return this.#index.list(agentName);
  }

  /** Threads of all agents, also of removed ones, that may hold events older than `time` (ISO 8601 in UTC). */
  threadsFromBefore(time: string): AsyncIterable<IndexedThread> {
    return this.#index.threadsFromBefore(time);
  }

  /** Notes the time of a thread's oldest event (ISO 8601 in UTC) after older ones were dropped. */
  noteOldest(thread: EventThread, oldestAt: string): Promise<void> {
    return this.#index.noteOldest(thread, oldestAt);
  }

  /**
   * Removes a whole thread if everything in it is older than `cutoff` (ISO 8601 in UTC). It may begin again at 1, with
   * another epoch.
   *
   * @returns false if it stays, because something in it is newer or because it changed within the last ten minutes
   */
  async removeThread({ thread, tag: indexTag }: IndexedThread, cutoff: string, now: Date): Promise<boolean> {
    const found = await readHead(this.#rows, thread);
    if (found === undefined) {
      await this.#index.remove(thread, indexTag);
      return true;
    }
    const { head, tag, writtenAt } = found;
    if ((head.totals?.lastEventAt ?? '') >= cutoff || Date.parse(writtenAt) > now.getTime() - REST_MS) return false;
    const runs = await listRuns(this.#rows, thread, head.epoch);
    if (runs.some(({ run }) => run.acceptedAt >= cutoff || (run.attempts.at(-1)?.startedAt ?? '') >= cutoff)) {
      return false;
    }
    const { change } = clearRecord(head);
    const cleared = change && (await this.#commit(thread, tag, change));
    if (change === undefined || cleared === undefined) return false;
    // Not what another process writes meanwhile: it may have begun a run.
    await removeUnreachable(this.#rows, thread, change.head);
    const keys = { partitionKey: threadPartition(thread), rowKey: HEAD_KEY };
    const isRemoved = await this.#rows.remove(keys, cleared);
    if (isRemoved) await this.#index.remove(thread, indexTag);
    return isRemoved;
  }

  async ping(): Promise<void> {
    await this.#rows.get('ping', HEAD_KEY);
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing);
  }

  async #open(thread: EventThread, tag: string | undefined, { head, run, events }: ThreadChange): Promise<void> {
    const key = threadKey(thread);
    const opened = this.#opened.get(key);
    const isAccepted = run?.attempts.length === 0;
    if (tag === undefined) {
      await this.#index.add(thread, head, run?.acceptedAt ?? new Date().toISOString());
    } else {
      if (isAccepted) return;
      const isBegun = run !== undefined && events.length === 0;
      const isOpen = opened?.epoch === head.epoch && (!isBegun || opened.version + 1 === head.version);
      if (isOpen && run !== undefined) return;
      await this.#index.open(thread, head);
    }
    if (this.#opened.size >= MAX_REMEMBERED_THREADS) this.#opened.clear();
    this.#opened.set(key, head);
  }

  #close(thread: EventThread, head: ThreadHead): Promise<void> {
    const closed = this.#index
      .close(thread, head)
      // The thread stays open in the list, which then reads its head.
      .catch(() => {})
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
    return closed;
  }

  async #commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    const partitionKey = threadPartition(thread);
    const partsToken = randomBytes(8).toString('hex');
    const { parts, actions, referringKey } = planCommit(partitionKey, tag, change, partsToken);
    for (const transaction of parts) await this.#rows.apply(transaction);
    const committed = await this.#rows.apply(actions);
    if (committed === undefined && referringKey !== undefined) {
      // A commit that was sent again, as its answer was lost, finds a conflict with itself.
      const row = await this.#rows.get(partitionKey, referringKey);
      const isKept = row !== undefined && readPartsReference(row).partsToken === partsToken;
      if (!isKept) await this.#rows.removeAll(parts.flat().map(([, part]) => part));
    }
    return committed;
  }
}

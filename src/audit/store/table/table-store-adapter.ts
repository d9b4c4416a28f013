import { randomBytes } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import type { EventThread } from '../../domain/event-thread.js';
import type { DurableStoreAdapter, StoredHead } from '../durable/durable-store-adapter.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import { openTableClient, type TableAccess } from './open-table-client.js';
import { pollThread } from '../durable/poll-thread.js';
import { clearRecord, type ThreadChange } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import { planCommit } from './table-commit.js';
import { HEAD_KEY, threadPartition } from './table-keys.js';
import { readEvents, readHead, readRuns } from './table-reads.js';
import { readPartsReference } from './table-records.js';
import { listRuns, removeThreadRows, removeUnreachable } from './table-removals.js';
import { TableRows } from './table-rows.js';
import { TableThreadIndex } from './table-thread-index.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { threadKey } from '../../domain/event-thread.js';
import type { ThreadList } from '../durable/thread-list.js';

export interface TableStoreAdapterOptions {
  readonly access: TableAccess;
  /** 3 to 63 letters and digits, beginning with a letter. */
  readonly tableName: string;
}

/** So long nobody else can still be at work on removing what a record has dropped. */
const REST_MS = 10 * 60_000;
const MAX_UNSURE = 10_000;

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
  /** Threads with a commit whose answer may be lost. What came of it is listed when their head is read again. */
  readonly #unsure = new Set<string>();

  constructor(rows: TableRows, index = new TableThreadIndex(rows)) {
    this.#rows = rows;
    this.#index = index;
  }

  async readHead(thread: EventThread): Promise<StoredHead | undefined> {
    const key = threadKey(thread);
    // Taken first: a commit may fail while the head is read.
    const isUnsure = this.#unsure.delete(key);
    try {
      const found = await readHead(this.#rows, thread);
      if (isUnsure && found !== undefined) this.#index.note(thread, found.head);
      return found;
    } catch (error) {
      if (isUnsure) this.#unsure.add(key);
      throw error;
    }
  }

  readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    return readRuns(this.#rows, thread, epoch, correlationIds);
  }

  readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    return readEvents(this.#rows, thread, first, limit);
  }

  async commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    const committed = await this.#commit(thread, tag, change);
    if (committed === undefined) return undefined;
    const { head, run, events } = change;
    const lastType = events.at(-1)?.eventType;
    if (lastType === 'final' || lastType === 'failed') {
      // At once, but the run's caller does not wait for the list, which may be a second behind in any case.
      void this.#index.noteNow(thread, head);
    } else if (run === undefined) {
      // Something was cleared or dropped.
      await this.#index.noteNow(thread, head);
    } else {
      this.#index.note(thread, head);
    }
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

  /** The threads of all agents, known to the app or not, that may hold events from before `time`: ISO 8601 in UTC. */
  threadsFromBefore(time: string): AsyncIterable<EventThread> {
    return this.#index.threadsFromBefore(time);
  }

  /**
   * Removes a thread whole if everything in it is from before `cutoff`; it begins again at 1, with another epoch.
   *
   * @param cutoff and `now` ISO 8601 in UTC
   * @returns false when it stays: something is newer, or it was changed in the last minutes
   */
  async removeThread(thread: EventThread, cutoff: string, now: Date): Promise<boolean> {
    const found = await readHead(this.#rows, thread);
    if (found === undefined) {
      await this.#index.remove(thread, undefined);
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
    // Only what was there then: another process may have begun a run meanwhile.
    await removeUnreachable(this.#rows, thread, change.head);
    const keys = { partitionKey: threadPartition(thread), rowKey: HEAD_KEY };
    const isRemoved = await this.#rows.remove(keys, cleared);
    if (isRemoved) await this.#index.remove(thread, head.epoch);
    return isRemoved;
  }

  async ping(): Promise<void> {
    await this.#rows.get('ping', HEAD_KEY);
  }

  close(): Promise<void> {
    return this.#index.close();
  }

  async #commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    const partitionKey = threadPartition(thread);
    const partsToken = randomBytes(8).toString('hex');
    const { parts, actions, referringKey } = planCommit(partitionKey, tag, change, partsToken);
    for (const transaction of parts) await this.#rows.apply(transaction);
    const committed = await this.#apply(thread, actions);
    if (committed === undefined && referringKey !== undefined) {
      // A commit that was sent again, as its answer was lost, finds a conflict with itself.
      const row = await this.#rows.get(partitionKey, referringKey);
      const isKept = row !== undefined && readPartsReference(row).partsToken === partsToken;
      if (!isKept) await this.#rows.removeAll(parts.flat().map(([, part]) => part));
    }
    return committed;
  }

  async #apply(thread: EventThread, actions: readonly TransactionAction[]): Promise<string | undefined> {
    let committed: string | undefined;
    try {
      committed = await this.#rows.apply(actions);
      return committed;
    } finally {
      if (committed === undefined) {
        if (this.#unsure.size >= MAX_UNSURE) this.#unsure.clear();
        this.#unsure.add(threadKey(thread));
      }
    }
  }
}

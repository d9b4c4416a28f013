import { odata } from '@azure/data-tables';
import { z } from 'zod';
import type { EventThread } from '../../domain/event-thread.js';
import { eventCountOf, type ThreadHead } from '../../domain/thread-head.js';
import { inParallel } from '../../../storage/request-limits.js';
import { jsonOf, storedTotals } from '../durable/stored-schemas.js';
import { type StoredThread, sizeOf, type ThreadList, toThreadList } from '../durable/thread-list.js';
import {
  agentNameOf,
  agentPartition,
  behindThreadsOf,
  HEAD_KEY,
  threadIdKey,
  threadIdOfKey,
  threadPartition,
} from './table-keys.js';
import { readHeadRow } from './table-records.js';
import type { Row, RowKeys, TableRows } from './table-rows.js';

/**
 * A thread in the list of its agent. While `openedVersion` is the later version, a run is writing to the thread and its
 * head says how large it is. The two versions are written independently, so their order of arrival does not matter.
 */
interface IndexColumns {
  /** Version of the head with which a run began. */
  readonly openedVersion?: number;
  /** Version of the head that `eventCount` and `totals` are from. */
  readonly closedVersion?: number;
  readonly eventCount?: number;
  /** JSON of the thread's totals; empty if it has none. */
  readonly totals?: string;
  /** No event is older: ISO 8601 in UTC. */
  readonly oldestAt?: string;
}

const closedRow = z
  .object({
    openedVersion: z.number(),
    closedVersion: z.number(),
    eventCount: z.number(),
    totals: z
      .literal('')
      .transform(() => undefined)
      .or(jsonOf(storedTotals)),
  })
  .refine(({ openedVersion, closedVersion }) => closedVersion >= openedVersion);

/** A thread in the list, and the version of its row. */
export interface IndexedThread {
  readonly thread: EventThread;
  readonly tag: string;
}

const READS_AT_ONCE = 16;

/** The list of each agent's threads, so that listing them needs no search through events. */
export class TableThreadIndex {
  readonly #rows: TableRows;

  constructor(rows: TableRows) {
    this.#rows = rows;
  }

  /** Adds a thread that is about to begin, in place of what is listed of an earlier one. */
  async add(thread: EventThread, { version }: ThreadHead, oldestAt: string): Promise<void> {
    await this.#upsert(thread, { openedVersion: version, oldestAt }, 'Replace');
  }

  /** Notes that a run is about to write to a thread. */
  async open(thread: EventThread, { version }: ThreadHead): Promise<void> {
    await this.#upsert(thread, { openedVersion: version }, 'Merge');
  }

  /** Notes what a thread holds when no run writes to it. */
  async close(thread: EventThread, head: ThreadHead): Promise<void> {
    const { version: closedVersion, totals } = head;
    const eventCount = eventCountOf(head);
    const columns =
      totals === undefined
        ? { totals: '', oldestAt: new Date().toISOString() } // It was cleared.
        : { totals: JSON.stringify(totals) };
    await this.#upsert(thread, { closedVersion, eventCount, ...columns }, 'Merge');
  }

  /** Notes that older events were dropped. @param oldestAt ISO 8601 in UTC */
  async noteOldest(thread: EventThread, oldestAt: string): Promise<void> {
    await this.#upsert(thread, { oldestAt }, 'Merge');
  }

  /** The threads of an agent that hold events, the one with the latest event first. */
  async list(agentName: string): Promise<ThreadList> {
    const found: StoredThread[] = [];
    for await (const page of this.#rows.pages(odata`PartitionKey eq ${agentPartition(agentName)}`)) {
      const listed = await inParallel(page, READS_AT_ONCE, (row) => this.#toListed(agentName, row));
      found.push(...listed.filter((thread) => thread !== undefined));
    }
    return toThreadList(agentName, found);
  }

  /** Threads of all agents that may hold events older than `time` (ISO 8601 in UTC). */
  async *threadsFromBefore(time: string): AsyncGenerator<IndexedThread> {
    for await (const agentName of this.#agentNames()) {
      const filter = odata`PartitionKey eq ${agentPartition(agentName)} and oldestAt lt ${time}`;
      for await (const page of this.#rows.pages(filter, { columns: [] })) {
        for (const { rowKey, etag: tag } of page) {
          yield { thread: { agentName, threadId: threadIdOfKey(rowKey) }, tag };
        }
      }
    }
  }

  /** Removes a thread from the list, unless its row has changed since it was read with this tag. */
  async remove(thread: EventThread, tag?: string): Promise<void> {
    const { partitionKey, rowKey } = keysOf(thread);
    const found = tag ?? (await this.#rows.get(partitionKey, rowKey))?.etag;
    if (found !== undefined) await this.#rows.remove(keysOf(thread), found);
  }

  /** @returns `undefined` for a thread that is gone, or was never written after it was added */
  async #toListed(agentName: string, row: Row): Promise<StoredThread | undefined> {
    const threadId = threadIdOfKey(row.rowKey);
    const closed = closedRow.safeParse(row).data;
    if (closed !== undefined) return { threadId, read: () => closed };
    const head = await this.#rows.get(threadPartition({ agentName, threadId }), HEAD_KEY);
    return head && { threadId, read: () => sizeOf(readHeadRow(head)) };
  }

  async #upsert(thread: EventThread, columns: IndexColumns, mode: 'Merge' | 'Replace'): Promise<void> {
    await this.#rows.apply([['upsert', { ...keysOf(thread), ...columns }, mode]]);
  }

  /** The agents that have a partition, found by skipping from one to the next. */
  async *#agentNames(): AsyncGenerator<string> {
    for (let filter = odata`PartitionKey gt ''`; ;) {
      const partitionKey = (await this.#rows.first(filter))?.partitionKey;
      if (partitionKey === undefined) return;
      const agentName = agentNameOf(partitionKey);
      if (partitionKey === agentPartition(agentName)) {
        yield agentName;
        filter = odata`PartitionKey gt ${partitionKey}`;
      } else {
        filter = odata`PartitionKey ge ${behindThreadsOf(agentName)}`;
      }
    }
  }
}

function keysOf({ agentName, threadId }: EventThread): RowKeys {
  return { partitionKey: agentPartition(agentName), rowKey: threadIdKey(threadId) };
}

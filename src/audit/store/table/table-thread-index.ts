import { setTimeout as delay } from 'node:timers/promises';
import { odata } from '@azure/data-tables';
import { z } from 'zod';
import type { EventThread } from '../../domain/event-thread.js';
import type { StoredHead } from '../durable/durable-store-adapter.js';
import { LatestWrites, type LatestWritesOptions } from './latest-writes.js';
import { agentNameOf, agentPartition, behindThreadsOf } from './table-keys.js';
import type { Row, RowKeys, TableRows } from './table-rows.js';
import { eventCountOf, type ThreadHead } from '../../domain/thread-head.js';
import { jsonOf, storedTotals } from '../durable/stored-schemas.js';
import { threadKey } from '../../domain/event-thread.js';
import { type ListedRecord, type ThreadList, toThreadList } from '../durable/thread-list.js';

/** A thread in the list of its agent. */
const indexRow = z.object({
  /** The record that it sums up. */
  epoch: z.string(),
  version: z.number(),
  eventCount: z.number(),
  /** JSON of the record's totals; empty while it has none. */
  totals: z.string(),
  /** Of the first event, or when the row was written if there was none: ISO 8601 in UTC. */
  oldestAt: z.string(),
});

const listedRow = z.object({ eventCount: z.number(), totals: jsonOf(storedTotals) });

interface NotedThread {
  readonly thread: EventThread;
  readonly head: ThreadHead;
}

type VersionedRecord = Pick<ThreadHead, 'epoch' | 'version'>;

const PACE: LatestWritesOptions = { intervalMs: 1000, maxRetryMs: 30_000 };
const MAX_WAIT_MS = 1000;
const MAX_TRIES = 5;
/** Of so many threads it is remembered which row was written here; for others it is read before it is written. */
const MAX_WRITTEN = 1000;

/**
 * The list of each agent's threads. It is written beside their records, so that a list needs no look at events, and may
 * be about a second behind them.
 */
export class TableThreadIndex {
  readonly #rows: TableRows;
  readonly #writes: LatestWrites<NotedThread>;
  /** What the rows sum up that were written here, and their tags; the latest last. */
  readonly #written = new Map<string, StoredHead>();

  constructor(rows: TableRows, pace: LatestWritesOptions = PACE) {
    this.#rows = rows;
    this.#writes = new LatestWrites((noted) => this.#write(noted), pace);
  }

  /** Takes note of a thread's record, unless it knows a later version; the list follows within a second. */
  note(thread: EventThread, head: ThreadHead): void {
    const key = threadKey(thread);
    const waiting = this.#writes.waiting(key);
    if (waiting !== undefined && isLater(waiting.head, head)) return;
    const written = this.#written.get(key);
    const isListed = !this.#writes.has(key) && written !== undefined && summaryOf(written.head) === summaryOf(head);
    if (!isListed) this.#writes.soon(key, { thread, head });
  }

  /** Takes note of a thread's record; the list has it when this returns, unless it cannot be written within a second. */
  async noteNow(thread: EventThread, head: ThreadHead): Promise<void> {
    const writing = this.#writes.now(threadKey(thread), { thread, head });
    await Promise.race([writing, delay(MAX_WAIT_MS, undefined, { ref: false })]);
  }

  /** The threads of an agent that hold events, the one with the latest event first. */
  async list(agentName: string): Promise<ThreadList> {
    const records: ListedRecord[] = [];
    const filter = odata`PartitionKey eq ${agentPartition(agentName)} and eventCount gt 0`;
    for await (const page of this.#rows.pages(filter)) {
      records.push(...page.map((row) => ({ threadId: row.rowKey, read: () => listedRow.parse(row) })));
    }
    return toThreadList(agentName, records);
  }

  /** The threads of all agents that may hold something from before `time`, ISO 8601 in UTC. */
  async *threadsFromBefore(time: string): AsyncGenerator<EventThread> {
    for await (const agentName of this.#agentNames()) {
      const filter = odata`PartitionKey eq ${agentPartition(agentName)} and oldestAt lt ${time}`;
      for await (const page of this.#rows.pages(filter, { columns: [] })) {
        for (const { rowKey: threadId } of page) yield { agentName, threadId };
      }
    }
  }

  /** Takes a thread from the list, unless another record than the one of this epoch is listed. */
  async remove(thread: EventThread, epoch: string | undefined): Promise<void> {
    const key = threadKey(thread);
    await this.#writes.cancel(key);
    this.#written.delete(key);
    const row = await this.#get(thread);
    if (row !== undefined && (epoch === undefined || indexRow.parse(row).epoch === epoch)) {
      await this.#rows.remove(keysOf(thread), row.etag);
    }
  }

  /** Writes what is still to be written. */
  close(): Promise<void> {
    return this.#writes.close();
  }

  async #write({ thread, head }: NotedThread): Promise<void> {
    const key = threadKey(thread);
    const row = { ...keysOf(thread), ...toRow(head) };
    const written = this.#written.get(key);
    if (written !== undefined && isLater(written.head, head)) return;
    let tag = written?.tag;
    this.#written.delete(key);
    // The first run of a thread is likely the one that lists it.
    let isKnown = tag !== undefined || (head.totals?.runCount ?? 0) <= 1;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      if (!isKnown) {
        const found = await this.#get(thread);
        // One that cannot be read is replaced.
        const listed = indexRow.safeParse(found).data;
        if (listed !== undefined && isLater(listed, head)) return;
        tag = found?.etag;
      }
      const writtenTag = await this.#rows.put(row, tag);
      if (writtenTag !== undefined) return this.#remember(key, { head, tag: writtenTag });
      isKnown = false;
    }
    throw new Error(`Others changed the place of thread ${thread.threadId} in the list ${MAX_TRIES} times in a row.`);
  }

  #get(thread: EventThread): Promise<Row | undefined> {
    const { partitionKey, rowKey } = keysOf(thread);
    return this.#rows.get(partitionKey, rowKey);
  }

  #remember(key: string, written: StoredHead): void {
    this.#written.set(key, written);
    const [oldest] = this.#written.keys();
    if (this.#written.size > MAX_WRITTEN && oldest !== undefined) this.#written.delete(oldest);
  }

  /** The agents that have a partition, found by leaping from one to the next. */
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
  return { partitionKey: agentPartition(agentName), rowKey: threadId };
}

function toRow(head: ThreadHead): z.infer<typeof indexRow> {
  const { epoch, version, totals } = head;
  return {
    epoch,
    version,
    eventCount: eventCountOf(head),
    totals: totals === undefined ? '' : JSON.stringify(totals),
    oldestAt: totals?.firstEventAt ?? new Date().toISOString(),
  };
}

function isLater(one: VersionedRecord, than: VersionedRecord): boolean {
  return one.epoch === than.epoch && one.version > than.version;
}

function summaryOf(head: ThreadHead): string {
  return JSON.stringify([head.epoch, eventCountOf(head), head.totals]);
}

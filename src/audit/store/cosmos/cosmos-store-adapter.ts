import type { Container, JSONObject, OperationInput } from '@azure/cosmos';
import { withTimeout } from '../../../functions/time-limits.js';
import type { EventThread } from '../../domain/event-thread.js';
import { type CosmosContainerOptions, type OpenCosmosContainer, openCosmosContainer } from './cosmos-container.js';
import {
  type EventsItem,
  eventsItem,
  HEAD_ID,
  type HeadItem,
  headItem,
  type Item,
  type PartItem,
  runId,
  runItem,
} from './cosmos-items.js';
import { CosmosReads, NOT_FOUND, REQUESTS_AT_ONCE } from './cosmos-reads.js';
import type { DurableStoreAdapter, StoredHead } from '../durable/durable-store-adapter.js';
import { inParallel } from '../../../storage/request-limits.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import { pollThread } from '../durable/poll-thread.js';
import type { ThreadChange } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import { storedHead } from '../durable/stored-schemas.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { threadKey } from '../../domain/event-thread.js';
import { sizeOf, type ThreadList, toThreadList } from '../durable/thread-list.js';
import { CALL_TIMEOUT_MS } from '../../../storage/store-timeouts.js';
import { MS_PER_DAY } from '../durable/store-timeouts.js';

const EVENTS_ITEMS_PER_REQUEST = 200;
const REMOVED_PER_QUERY = 200;

const PRECONDITION_FAILED = 412;
const FAILED_DEPENDENCY = 424;
/** Somebody else is changing the same item at this moment. */
const RETRY_WITH = 449;
/** What is answered for a head that is not as it was expected: missing, there already, changed. */
const HEAD_CONFLICTS: readonly number[] = [NOT_FOUND, 409, PRECONDITION_FAILED];

/**
 * Keeps events in a container of Azure Cosmos DB for NoSQL, a thread in a partition of its own, so that a change is one
 * transactional batch there.
 *
 * Reads have session consistency or a stronger one: this process sees its own changes, and of another's changes each
 * whole, in their order, and with session consistency perhaps some milliseconds late. After it has read a head it sees
 * all that the head counts. A change that was decided upon by a late head is refused, as the head's ETag is another one.
 */
export async function openCosmosStoreAdapter(options: CosmosContainerOptions): Promise<DurableStoreAdapter> {
  return new CosmosStoreAdapter(await openCosmosContainer(options), options.ttlDays);
}

class CosmosStoreAdapter implements DurableStoreAdapter {
  readonly follow = pollThread(this);
  readonly #container: Container;
  readonly #opened: OpenCosmosContainer;
  readonly #reads: CosmosReads;
  readonly #ttlMs: number;

  constructor(opened: OpenCosmosContainer, ttlDays: number | undefined) {
    this.#container = opened.container;
    this.#opened = opened;
    this.#reads = new CosmosReads(opened.container);
    this.#ttlMs = (ttlDays ?? Infinity) * MS_PER_DAY;
  }

  async readHead(thread: EventThread): Promise<StoredHead | undefined> {
    const found = await this.#reads.item('head', threadKey(thread), HEAD_ID);
    return found && { head: storedHead.parse(found.item.head), tag: found.tag };
  }

  async readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    const partition = threadKey(thread);
    const runs = await inParallel(correlationIds, REQUESTS_AT_ONCE, async (correlationId) => {
      const found = await this.#reads.item('run', partition, runId(epoch, correlationId));
      if (found === undefined) return [];
      const { item } = found;
      if (item.parts === undefined) return { ...item.run, requestMessage: item.requestMessage ?? '' };
      const requestMessage = await this.#reads.parts<string>(partition, item.parts);
      if (requestMessage !== undefined) return { ...item.run, requestMessage };
      // The message was written when the run began, so that it also ends before the run's last events do.
      const isCleared = (await this.readHead(thread))?.head.epoch !== epoch;
      return isCleared ? [] : { ...item.run, requestMessage: '' };
    });
    return runs.flat();
  }

  async readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    const partition = threadKey(thread);
    const items = await this.#reads.query<EventsItem>(
      `SELECT c.sequence, c.events, c.parts FROM c
        WHERE c.partition = @partition AND c.sequence >= @first ORDER BY c.partition, c.sequence`,
      { partition, first },
      { partitionKey: partition, maxItemCount: Math.min(limit, EVENTS_ITEMS_PER_REQUEST) },
      (found) => found.reduce((count, item) => count + countFrom(first, item), 0) >= limit,
    );
    const events: StoredEvent[] = [];
    for (const item of items) {
      if (events.length >= limit) break;
      const held =
        item.parts === undefined ? item.events : await this.#reads.parts<StoredEvent[]>(partition, item.parts);
      events.push(...(held ?? []).filter(({ sequence }) => sequence >= first));
    }
    return events.slice(0, limit);
  }

  async commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    const partition = threadKey(thread);
    const { head, run, isNewMessage, events } = change;
    const { epoch } = head;
    if (tag === undefined && !(await this.#removeHeadless(thread))) return undefined;
    const resourceBody = toJson(headItem(partition, thread, head));
    // The only operation with a condition: nothing else of a thread is changed but together with its head.
    const operations: OperationInput[] = [
      tag === undefined
        ? { operationType: 'Create', resourceBody }
        : { operationType: 'Replace', id: HEAD_ID, ifMatch: tag, resourceBody },
    ];
    const parts: PartItem[] = [];
    if (run !== undefined) {
      const kept = runItem(partition, epoch, run);
      operations.push({ operationType: 'Upsert', resourceBody: toJson(kept.item) });
      if (isNewMessage) parts.push(...kept.parts);
    }
    if (events.length > 0) {
      const kept = eventsItem(partition, epoch, events);
      operations.push({ operationType: 'Upsert', resourceBody: toJson(kept.item) });
      parts.push(...kept.parts);
    }
    // Nobody reads them before the batch that refers to them: what is too large for a batch is added whole as well.
    for (const part of parts) {
      await withTimeout(CALL_TIMEOUT_MS, (abortSignal) => this.#container.items.upsert(part, { abortSignal }));
    }
    return this.#execute(partition, operations);
  }

  async removeUnreachable(thread: EventThread, { epoch, oldestSequence }: ThreadHead): Promise<void> {
    const partition = threadKey(thread);
    for (;;) {
      const ids = await this.#reads.query<string>(
        `SELECT VALUE c.id FROM c WHERE c.partition = @partition AND
          (c.epoch < @epoch OR c.sequence < @oldest OR c.partOf < @oldest)`,
        { partition, epoch, oldest: oldestSequence },
        { partitionKey: partition, maxItemCount: REMOVED_PER_QUERY },
        (found) => found.length > 0,
      );
      if (ids.length === 0) return;
      await inParallel(ids, REQUESTS_AT_ONCE, (id) => this.#remove(partition, id));
    }
  }

  async forgetThread(thread: EventThread): Promise<void> {
    const partition = threadKey(thread);
    const ids = await this.#reads.query<string>(
      'SELECT VALUE c.id FROM c WHERE c.partition = @partition AND c.id != @head',
      { partition, head: HEAD_ID },
      { partitionKey: partition },
    );
    await inParallel(ids, REQUESTS_AT_ONCE, (id) => this.#remove(partition, id));
    // Last: nobody goes on with the thread before.
    await this.#remove(partition, HEAD_ID);
  }

  /** Threads whose events have all ended by themselves are left out; of others those that have ended still count. */
  async listThreads(agentName: string): Promise<ThreadList> {
    const heads = await this.#reads.query<Pick<HeadItem, 'threadId' | 'head'>>(
      'SELECT c.threadId, c.head FROM c WHERE c.agentName = @agentName',
      { agentName },
    );
    const oldest = Date.now() - this.#ttlMs;
    const { threads, unreadable } = toThreadList(
      agentName,
      heads.map(({ threadId, head }) => ({ threadId, read: () => sizeOf(storedHead.parse(head)) })),
    );
    return { threads: threads.filter(({ lastEventAt }) => Date.parse(lastEventAt) >= oldest), unreadable };
  }

  async ping(): Promise<void> {
    // Reading an item counts among the requests that are paid for; reading the container is rationed.
    await this.#reads.item('head', 'ping', HEAD_ID);
  }

  async close(): Promise<void> {
    this.#opened.close();
  }

  /** @returns the new ETag of the head, whose operation is the first; `undefined` when it was another one than expected */
  async #execute(partition: string, operations: OperationInput[]): Promise<string | undefined> {
    const { result = [] } = await withTimeout(CALL_TIMEOUT_MS, (abortSignal) =>
      this.#container.items.batch(operations, partition, { abortSignal }),
    );
    for (const [index, { statusCode }] of result.entries()) {
      if (statusCode < 400 || statusCode === FAILED_DEPENDENCY) continue;
      const isHead = index === 0;
      if (statusCode === RETRY_WITH || (isHead && HEAD_CONFLICTS.includes(statusCode))) return undefined;
      throw new Error(`Cosmos DB refused operation ${index} of a batch with status ${statusCode}.`);
    }
    const tag = result[0]?.eTag;
    if (tag === undefined) throw new Error('Cosmos DB gave no ETag for a batch.');
    return tag;
  }

  /**
   * Removes the runs and events of a thread without a head: they would stand among those that come now. The head is
   * written last and ends last, but what has ended may come back, when the time to live is made longer before it is gone.
   *
   * @returns false when there is a head after all
   */
  async #removeHeadless(thread: EventThread): Promise<boolean> {
    const partition = threadKey(thread);
    // Not the parts: another process may have written them just now, for a change that it is about to make.
    const found = await this.#reads.query<{ readonly id: string; readonly _etag: string }>(
      `SELECT c.id, c._etag FROM c
        WHERE c.partition = @partition AND (IS_DEFINED(c.sequence) OR IS_DEFINED(c.run))`,
      { partition },
      { partitionKey: partition },
    );
    if (found.length === 0) return true;
    // Now is no earlier than what was found: if another process has begun with the thread, its head is seen.
    if ((await this.readHead(thread)) !== undefined) return false;
    await inParallel(found, REQUESTS_AT_ONCE, ({ id, _etag: tag }) => this.#remove(partition, id, tag));
    return true;
  }

  /** @param tag absent: whichever it has */
  async #remove(partition: string, id: string, tag?: string): Promise<void> {
    const condition = tag === undefined ? {} : { accessCondition: { type: 'IfMatch', condition: tag } };
    try {
      await withTimeout(CALL_TIMEOUT_MS, (abortSignal) =>
        this.#container.item(id, partition).delete({ ...condition, abortSignal }),
      );
    } catch (error) {
      // Somebody else has removed it or changed it, or it has just ended by itself.
      const status = error instanceof Error && 'code' in error ? error.code : undefined;
      if (status !== NOT_FOUND && status !== PRECONDITION_FAILED) throw error;
    }
  }
}

/** How many of an item's events have a sequence of `first` or more; at least so many, where they are kept beside it. */
function countFrom(first: number, { events }: EventsItem): number {
  return events?.filter(({ sequence }) => sequence >= first).length ?? 1;
}

/** An item is JSON as it is; the SDK's type for that asks for an index signature. */
function toJson(item: Item): JSONObject {
  return { ...item };
}

import type { Container, OperationInput } from '@azure/cosmos';
import { withTimeout } from '../../functions/time-limits.js';
import type {
  CommitGuard,
  KeyRange,
  KeyValueStore,
  StoredValue,
  ValueAddress,
  ValueChange,
} from '../key-value-store.js';
import { pollKey } from '../poll-key.js';
import { inParallel } from '../request-limits.js';
import type { ValueLimits } from '../split-value-store.js';
import { CALL_TIMEOUT_MS, PAGE_TIMEOUT_MS } from '../store-timeouts.js';
import { type CosmosContainerOptions, type OpenCosmosContainer, openCosmosContainer } from './cosmos-container.js';

/** An item and a transaction have at most 2 MB each. */
export const COSMOS_LIMITS: ValueLimits = { maxValueLength: 500_000, maxCommitLength: 500_000 };

/** A value. `key` repeats the id, because the index for sorting needs it. */
interface Item {
  readonly id: string;
  readonly partition: string;
  readonly key: string;
  readonly text: string;
}

interface StoredItem {
  readonly key: string;
  readonly text: string;
  readonly _etag: string;
}

const REQUESTS_AT_ONCE = 20;
const PAGE_ITEMS = 250;
const REMOVED_ITEMS = 200;

const NOT_FOUND = 404;
const FAILED_DEPENDENCY = 424;
/** Another process is changing the item. */
const RETRY_WITH = 449;
/** The guarded item is missing, exists, or has another ETag. */
const GUARD_CONFLICTS: readonly number[] = [NOT_FOUND, 409, 412];

/**
 * Opens a container of Azure Cosmos DB for NoSQL. Reads have session consistency or stronger: a process sees its own
 * changes at once. It sees changes of another process whole and in order, but with session consistency perhaps some
 * milliseconds late. A commit that is based on such a stale read conflicts.
 */
export async function openCosmosStore(options: CosmosContainerOptions): Promise<KeyValueStore> {
  return new CosmosStore(await openCosmosContainer(options));
}

class CosmosStore implements KeyValueStore {
  readonly follow = pollKey(this);
  readonly #container: Container;
  readonly #opened: OpenCosmosContainer;

  constructor(opened: OpenCosmosContainer) {
    this.#container = opened.container;
    this.#opened = opened;
  }

  async read({ partition, key }: ValueAddress): Promise<StoredValue | undefined> {
    const response = await withTimeout(CALL_TIMEOUT_MS, (abortSignal) =>
      this.#container.item(key, partition).read<Item>({ abortSignal }),
    );
    const { resource: item, etag: tag, statusCode, substatus } = response;
    // A substatus means that the container or the session of this process is missing.
    if (statusCode === NOT_FOUND && !substatus) return undefined;
    if (item === undefined) throw new Error(`Cosmos DB returned no item: status ${statusCode}, ${substatus}.`);
    return { key, value: item.text, tag };
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const values = await inParallel(keys, REQUESTS_AT_ONCE, (key) => this.read({ partition, key }));
    return new Map(values.filter((value) => value !== undefined).map((value) => [value.key, value]));
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const items = await this.#firstPage<StoredItem>('c.key, c.text, c._etag', partition, range, {
      maxItemCount: Math.min(limit, PAGE_ITEMS),
    });
    return items.slice(0, limit).map(({ key, text, _etag }) => ({ key, value: text, tag: _etag }));
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    const operations = changes.map((change) => toOperation(partition, change, guard));
    const { result = [] } = await withTimeout(CALL_TIMEOUT_MS, (abortSignal) =>
      this.#container.items.batch(operations, partition, { abortSignal }),
    );
    for (const [index, { statusCode }] of result.entries()) {
      if (statusCode < 400 || statusCode === FAILED_DEPENDENCY) continue;
      const { key, value } = changes[index] ?? {};
      const isMissing = statusCode === NOT_FOUND && value === undefined;
      const isGuard = key === guard.key && GUARD_CONFLICTS.includes(statusCode);
      if (isGuard || isMissing || statusCode === RETRY_WITH) return undefined;
      throw new Error(`Cosmos DB refused operation ${index} of a batch with status ${statusCode}.`);
    }
    const guarded = changes.findIndex(({ key }) => key === guard.key);
    if (changes[guarded]?.value === undefined) return '';
    const tag = result[guarded]?.eTag;
    if (tag === undefined) throw new Error('Cosmos DB returned no ETag for a batch.');
    return tag;
  }

  async removeRange(partition: string, range: KeyRange): Promise<void> {
    for (;;) {
      const keys = await this.#firstPage<{ readonly key: string }>('c.key', partition, range, {
        maxItemCount: REMOVED_ITEMS,
      });
      if (keys.length === 0) return;
      await inParallel(keys, REQUESTS_AT_ONCE, ({ key }) => this.#remove(partition, key));
    }
  }

  async ping(): Promise<void> {
    // Reads an item, because reads of the container's definition are rationed.
    await this.read({ partition: 'ping', key: 'ping' });
  }

  async close(): Promise<void> {
    this.#opened.close();
  }

  /** Skips empty pages, which a query may return before others. */
  async #firstPage<Found>(
    columns: string,
    partition: string,
    { from, before }: KeyRange,
    { maxItemCount }: { readonly maxItemCount: number },
  ): Promise<readonly Found[]> {
    const parameters = [
      { name: '@partition', value: partition },
      { name: '@from', value: from },
      { name: '@before', value: before },
    ];
    const query = `SELECT ${columns} FROM c WHERE c.partition = @partition AND c.key >= @from AND c.key < @before
      ORDER BY c.partition, c.key`;
    const ending = new AbortController();
    const options = { partitionKey: partition, maxItemCount, abortSignal: ending.signal };
    const pages = this.#container.items.query<Found>({ query, parameters }, options);
    try {
      while (pages.hasMoreResults()) {
        const { resources } = await withTimeout(PAGE_TIMEOUT_MS, () => pages.fetchNext());
        if (resources !== undefined && resources.length > 0) return resources;
      }
      return [];
    } catch (error) {
      ending.abort();
      throw error;
    }
  }

  async #remove(partition: string, key: string): Promise<void> {
    try {
      await withTimeout(CALL_TIMEOUT_MS, (abortSignal) => this.#container.item(key, partition).delete({ abortSignal }));
    } catch (error) {
      // Another process has removed it.
      if (!(error instanceof Error) || !('code' in error) || error.code !== NOT_FOUND) throw error;
    }
  }
}

function toOperation(partition: string, { key, value }: ValueChange, guard: CommitGuard): OperationInput {
  const condition = key === guard.key && guard.tag !== undefined ? { ifMatch: guard.tag } : {};
  if (value === undefined) return { operationType: 'Delete', id: key, ...condition };
  const resourceBody = { id: key, partition, key, text: value };
  if (key !== guard.key) return { operationType: 'Upsert', resourceBody };
  if (guard.tag === undefined) return { operationType: 'Create', resourceBody };
  return { operationType: 'Replace', id: key, resourceBody, ...condition };
}

import { odata, RestError, type TableClient, type TransactionAction } from '@azure/data-tables';
import type { Logger } from '../../functions/logger.js';
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
import { fillBins, inParallel } from '../request-limits.js';
import type { ValueLimits } from '../split-value-store.js';
import { CALL_TIMEOUT_MS, PAGE_TIMEOUT_MS, REMOVAL_TIMEOUT_MS } from '../store-timeouts.js';
import { openTableClient, type TableAccess } from './open-table-client.js';
import { type Row, type RowKeys, toAction, toGuardedAction, toStoredValue } from './table-row.js';

/** A row has at most 1 MiB, a transaction 4 MiB with the headers of each action. */
export const TABLE_LIMITS: ValueLimits = { maxValueLength: 300_000, maxCommitLength: 1_000_000 };

const MAX_ACTIONS = 100;
const READS_AT_ONCE = 16;
/** Limits the size of a page, because the service limits only the number of rows. */
const PAGE_ROWS = 250;
const MAX_READ_LENGTH = 1_000_000;
const REMOVED_ROWS = 1000;
const REMOVALS_AT_ONCE = 4;

/** Error codes of conflicts: the row exists, does not exist, or has another ETag. */
const CONFLICTS: ReadonlySet<string | undefined> = new Set([
  'EntityAlreadyExists',
  'ResourceNotFound',
  'EntityNotFound',
  'UpdateConditionNotSatisfied',
  'ConditionNotMet',
]);

export interface TableStoreOptions {
  readonly access: TableAccess;
  /** 3 to 63 letters and digits, beginning with a letter. Created if it does not exist. */
  readonly tableName: string;
  /** Used instead if it exists. */
  readonly formerTableName?: string | undefined;
  /** Receives a warning if the former table is used. */
  readonly log?: Logger;
}

/** Opens a table of a storage account. */
export async function openTableStore(options: TableStoreOptions): Promise<KeyValueStore> {
  const { access, tableName, formerTableName, log } = options;
  const former = formerTableName === undefined ? undefined : openTableClient(access, formerTableName);
  if (former !== undefined && (await exists(former))) {
    log?.warn(
      `The table ${formerTableName} exists, so it is used instead of ${tableName}. ` +
        'Apps that share a storage account need different tables: set CALLBACK_TABLE_NAME.',
    );
    return new TableStore(former);
  }
  const client = openTableClient(access, tableName);
  await withTimeout(CALL_TIMEOUT_MS, (abortSignal) => client.createTable({ abortSignal }));
  return new TableStore(client);
}

async function exists(client: TableClient): Promise<boolean> {
  try {
    await withTimeout(CALL_TIMEOUT_MS, (abortSignal) => client.getEntity('ping', 'ping', { abortSignal }));
  } catch (error) {
    if (codeOf(error) === 'TableNotFound') return false;
    if (!CONFLICTS.has(codeOf(error))) throw error;
  }
  return true;
}

/** Stores each value in a row of Azure Table Storage. */
class TableStore implements KeyValueStore {
  readonly follow = pollKey(this);
  readonly #client: TableClient;

  constructor(client: TableClient) {
    this.#client = client;
  }

  async read({ partition, key }: ValueAddress): Promise<StoredValue | undefined> {
    const row = await this.#readRow(partition, key);
    return row && toStoredValue(row);
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const values = await inParallel(keys, READS_AT_ONCE, (key) => this.read({ partition, key }));
    return new Map(values.filter((value) => value !== undefined).map((value) => [value.key, value]));
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const values: StoredValue[] = [];
    let length = 0;
    for await (const rows of this.#pages(partition, range, Math.min(limit, PAGE_ROWS))) {
      for (const row of rows.slice(0, limit - values.length)) {
        const value = toStoredValue(row);
        if (value === undefined) continue;
        values.push(value);
        length += value.value.length;
      }
      if (values.length === limit || length > MAX_READ_LENGTH) break;
    }
    return values;
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    // The guard comes first, so that the service reports a failed guard and not another conflict.
    const actions = [
      ...changes.filter(({ key }) => key === guard.key).map((change) => toGuardedAction(partition, change, guard.tag)),
      ...changes.filter(({ key }) => key !== guard.key).map((change) => toAction(partition, change)),
    ];
    const answer = await unlessConflict(() =>
      this.#request((options) => this.#client.submitTransaction(actions, options)),
    );
    if (answer !== undefined) {
      const [first] = answer.subResponses;
      if (first?.etag === undefined) throw new Error('The table service answered a transaction without an ETag.');
      const isRemoved = changes.some(({ key, value }) => key === guard.key && value === undefined);
      if (isRemoved) await this.#removeRow(partition, guard.key, first.etag);
      return first.etag;
    }
    if (guard.tag !== undefined) return undefined;
    const row = await this.#readRow(partition, guard.key);
    if (row === undefined || toStoredValue(row) !== undefined) return undefined;
    await this.#removeRow(partition, guard.key, row.etag);
    return this.commit(partition, guard, changes);
  }

  async removeRange(partition: string, range: KeyRange): Promise<void> {
    for (;;) {
      const keys: string[] = [];
      for await (const rows of this.#pages(partition, range, REMOVED_ROWS, ['PartitionKey', 'RowKey'])) {
        keys.push(...rows.map(({ rowKey }) => rowKey));
        if (keys.length >= REMOVED_ROWS) break;
      }
      const isDone = await this.#removeAll(partition, keys);
      if (isDone && keys.length < REMOVED_ROWS) return;
    }
  }

  async ping(): Promise<void> {
    await this.read({ partition: 'ping', key: 'ping' });
  }

  async close(): Promise<void> {}

  #readRow(partition: string, key: string): Promise<Row | undefined> {
    return unlessConflict(() => this.#request((options) => this.#client.getEntity<RowKeys>(partition, key, options)));
  }

  async #removeRow(partition: string, key: string, etag: string): Promise<void> {
    await unlessConflict(() =>
      this.#request((options) => this.#client.deleteEntity(partition, key, { ...options, etag })),
    );
  }

  /** @returns false if another process has removed some of the rows; the others are then still there */
  async #removeAll(partitionKey: string, rowKeys: readonly string[]): Promise<boolean> {
    const actions = rowKeys.map((rowKey): TransactionAction => ['delete', { partitionKey, rowKey }]);
    const transactions = fillBins(actions, () => 1, { maxWeight: Infinity, maxCount: MAX_ACTIONS });
    const answers = await inParallel(transactions, REMOVALS_AT_ONCE, (transaction) =>
      unlessConflict(() =>
        this.#request((options) => this.#client.submitTransaction(transaction, options), REMOVAL_TIMEOUT_MS),
      ),
    );
    return !answers.includes(undefined);
  }

  async *#pages(
    partition: string,
    { from, before }: KeyRange,
    maxPageSize: number,
    select?: string[],
  ): AsyncGenerator<Row[]> {
    const filter = odata`PartitionKey eq ${partition} and RowKey ge ${from} and RowKey lt ${before}`;
    const queryOptions = { filter, ...(select && { select }) };
    for (let continuationToken: string | undefined; ;) {
      const page = await this.#request(async (options) => {
        const pages = this.#client.listEntities<RowKeys>({ ...options, queryOptions });
        const next = await pages.byPage({ maxPageSize, ...(continuationToken && { continuationToken }) }).next();
        return next.done === true ? undefined : next.value;
      }, PAGE_TIMEOUT_MS);
      if (page === undefined) return;
      yield page;
      continuationToken = page.continuationToken;
      if (continuationToken === undefined) return;
    }
  }

  /** Sends a request within a time limit, which includes its retries. */
  #request<Result>(
    send: (options: { abortSignal: AbortSignal }) => Promise<Result>,
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Result> {
    return withTimeout(timeoutMs, async (abortSignal) => {
      try {
        return await send({ abortSignal });
      } catch (error) {
        if (codeOf(error) !== 'TableNotFound') throw error;
        // The table was deleted, or the emulator has restarted.
        await this.#client.createTable({ abortSignal });
        return send({ abortSignal });
      }
    });
  }
}

async function unlessConflict<Result>(request: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await request();
  } catch (error) {
    if (!CONFLICTS.has(codeOf(error))) throw error;
    return undefined;
  }
}

/** Returns the service's error code. The SDK stores it in a different place for transactions. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof RestError)) return undefined;
  const details: { odataError?: { code?: string } } | undefined = Object(error.details);
  return error.code ?? details?.odataError?.code;
}

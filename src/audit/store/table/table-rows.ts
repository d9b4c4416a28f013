import { odata, RestError, type TableClient, type TableEntityResult, type TransactionAction } from '@azure/data-tables';
import { withTimeout } from '../../../functions/time-limits.js';
import { fillBins, inParallel } from '../../../storage/request-limits.js';
import { CALL_TIMEOUT_MS, PAGE_TIMEOUT_MS, REMOVAL_TIMEOUT_MS } from '../../../storage/store-timeouts.js';
import type { KeyRange } from './table-keys.js';

export interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** A row as it is read: what its other columns hold is for the reader to check. */
export type Row = TableEntityResult<RowKeys>;

export interface ListOptions {
  /** How many rows at the most. Default: all. */
  readonly limit?: number;
  /** Only these columns. Default: all. */
  readonly columns?: readonly string[];
}

const MAX_PAGE = 1000;
const MAX_ACTIONS = 100;
const DELETES_AT_ONCE = 4;

/**
 * The rows of a table. Each request has a time limit, which includes its retries.
 */
export class TableRows {
  readonly #client: TableClient;

  constructor(client: TableClient) {
    this.#client = client;
  }

  /** Makes the table if there is none. */
  async createTable(): Promise<void> {
    await withTimeout(CALL_TIMEOUT_MS, (abortSignal) => this.#client.createTable({ abortSignal }));
  }

  /** @returns `undefined` when there is no such row */
  async get(partitionKey: string, rowKey: string): Promise<Row | undefined> {
    return unlessConflict(() =>
      this.#request((options) => this.#client.getEntity<RowKeys>(partitionKey, rowKey, options)),
    );
  }

  /**
   * Applies actions on one partition at once and whole.
   *
   * @returns the tag that the row of the first one has now; `undefined` when a row is not as the actions want it: nothing
   *   has changed, or they were applied before, the answer was lost, and they were sent again
   */
  async apply(actions: readonly TransactionAction[]): Promise<string | undefined> {
    const answer = await unlessConflict(() =>
      this.#request((options) => this.#client.submitTransaction([...actions], options)),
    );
    if (answer === undefined) return undefined;
    const [first] = answer.subResponses;
    if (first?.etag === undefined) throw new Error('The table service answered a transaction without an ETag.');
    return first.etag;
  }

  /**
   * Writes a row: a new one, or in the place of the one with this tag.
   *
   * @returns its tag; `undefined` when there is another version of it, which may be this row, written by the same
   *   request before its answer was lost
   */
  async put(row: RowKeys, tag: string | undefined): Promise<string | undefined> {
    const answer = await unlessConflict(() =>
      this.#request((options) =>
        tag === undefined
          ? this.#client.createEntity(row, options)
          : this.#client.updateEntity(row, 'Replace', { ...options, etag: tag }),
      ),
    );
    return answer?.etag;
  }

  /** @returns false when the row is gone, maybe by this request, or another version than the one with this tag */
  async remove({ partitionKey, rowKey }: RowKeys, tag: string): Promise<boolean> {
    const answer = await unlessConflict(() =>
      this.#request((options) => this.#client.deleteEntity(partitionKey, rowKey, { ...options, etag: tag })),
    );
    return answer !== undefined;
  }

  /** Rows of a partition, in the order of their keys. */
  async list(partitionKey: string, { from, before }: KeyRange, options: ListOptions = {}): Promise<Row[]> {
    const rows: Row[] = [];
    const filter = odata`PartitionKey eq ${partitionKey} and RowKey ge ${from} and RowKey lt ${before}`;
    for await (const page of this.pages(filter, options)) rows.push(...page);
    return rows;
  }

  /** Rows that match a filter, as pages of up to 1,000. */
  async *pages(filter: string, { limit = Infinity, columns }: ListOptions = {}): AsyncGenerator<Row[]> {
    const queryOptions = { filter, ...(columns && { select: ['PartitionKey', 'RowKey', ...columns] }) };
    let continuationToken: string | undefined;
    for (let left = limit; left > 0;) {
      const maxPageSize = Math.min(left, MAX_PAGE);
      const page = await this.#request(async (options) => {
        const pages = this.#client.listEntities<RowKeys>({ ...options, queryOptions });
        const next = await pages.byPage({ maxPageSize, ...(continuationToken && { continuationToken }) }).next();
        return next.done === true ? undefined : next.value;
      }, PAGE_TIMEOUT_MS);
      if (page === undefined) return;
      yield page;
      continuationToken = page.continuationToken;
      if (continuationToken === undefined) return;
      left -= page.length;
    }
  }

  /** The first row that matches a filter. */
  async first(filter: string): Promise<RowKeys | undefined> {
    for await (const [row] of this.pages(filter, { limit: 1, columns: [] })) if (row !== undefined) return row;
    return undefined;
  }

  /** Removes the rows of a range, none of which may come back. Others may do the same at the same time. */
  async removeRange(partitionKey: string, range: KeyRange): Promise<void> {
    for (;;) {
      const rows = await this.list(partitionKey, range, { limit: MAX_PAGE, columns: [] });
      const isWhole = await this.removeAll(rows);
      if (isWhole && rows.length < MAX_PAGE) return;
    }
  }

  /** Removes rows of one partition. @returns false when somebody else has removed some, and others of them are left */
  async removeAll(rows: readonly RowKeys[]): Promise<boolean> {
    const deletes = rows.map(({ partitionKey, rowKey }): TransactionAction => ['delete', { partitionKey, rowKey }]);
    const transactions = fillBins(deletes, () => 1, { maxWeight: Infinity, maxCount: MAX_ACTIONS });
    const answers = await inParallel(transactions, DELETES_AT_ONCE, (actions) =>
      unlessConflict(() =>
        this.#request((options) => this.#client.submitTransaction(actions, options), REMOVAL_TIMEOUT_MS),
      ),
    );
    return !answers.includes(undefined);
  }

  #request<Result>(
    send: (options: { abortSignal: AbortSignal }) => Promise<Result>,
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Result> {
    return withTimeout(timeoutMs, async (abortSignal) => {
      try {
        return await send({ abortSignal });
      } catch (error) {
        if (codeOf(error) !== 'TableNotFound') throw error;
        // Somebody has deleted it, or the emulator was started anew.
        await this.#client.createTable({ abortSignal });
        return send({ abortSignal });
      }
    });
  }
}

/** There is a row already, there is none, or it is another version of it. */
const CONFLICTS: ReadonlySet<string | undefined> = new Set([
  'EntityAlreadyExists',
  'ResourceNotFound',
  'EntityNotFound',
  'UpdateConditionNotSatisfied',
  'ConditionNotMet',
]);

async function unlessConflict<Result>(request: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await request();
  } catch (error) {
    if (!CONFLICTS.has(codeOf(error))) throw error;
    return undefined;
  }
}

/** What the service calls the error. The SDK has it in one place for a transaction, and in another one for the rest. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof RestError)) return undefined;
  const details: { odataError?: { code?: string } } | undefined = Object(error.details);
  return error.code ?? details?.odataError?.code;
}

import type { TableEntityResult, TransactionAction } from '@azure/data-tables';
import type { StoredValue, ValueChange } from '../key-value-store.js';
import { splitText } from '../request-limits.js';

export interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** A row of the table, which stores a value in the columns `text0`, `text1` and so on. */
export type Row = TableEntityResult<RowKeys>;

/** A column has at most 64 KiB of UTF-16, which the service calls "about 32 K characters or less". */
const MAX_COLUMN_LENGTH = 30 * 1024;

/**
 * Returns the action that changes a row if it has this ETag. The SDK does not support a conditional removal within a
 * transaction. The transaction therefore empties the row, which is removed afterwards. A row without text counts as missing.
 */
export function toGuardedAction(
  partitionKey: string,
  { key: rowKey, value }: ValueChange,
  tag: string | undefined,
): TransactionAction {
  const row = { partitionKey, rowKey, ...toColumns(value) };
  return tag === undefined ? ['create', row] : ['update', row, 'Replace', { etag: tag }];
}

export function toAction(partitionKey: string, { key: rowKey, value }: ValueChange): TransactionAction {
  if (value === undefined) return ['delete', { partitionKey, rowKey }];
  return ['upsert', { partitionKey, rowKey, ...toColumns(value) }, 'Replace'];
}

function toColumns(value: string | undefined): Readonly<Record<string, string>> {
  const pieces = value === undefined ? [] : splitText(value, MAX_COLUMN_LENGTH);
  return Object.fromEntries(pieces.map((piece, index) => [`text${index}`, piece]));
}

export function toStoredValue(row: Row): StoredValue | undefined {
  const columns = new Map<string, unknown>(Object.entries(row));
  const pieces: unknown[] = [];
  for (let index = 0; columns.has(`text${index}`); index += 1) pieces.push(columns.get(`text${index}`));
  return pieces.length === 0 ? undefined : { key: row.rowKey, value: pieces.join(''), tag: row.etag };
}

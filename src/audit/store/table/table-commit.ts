import type { TransactionAction } from '@azure/data-tables';
import { fillBins } from '../../../storage/request-limits.js';
import type { ThreadChange } from '../../domain/thread-changes.js';
import { eventKey, eventPartKeys, HEAD_KEY, messagePartKeys, partKey, runKey } from './table-keys.js';
import { type PartsReference, toEventRow, toHeadRow, toRunRow } from './table-records.js';
import { type Columns, toTextRows } from './table-text.js';

/** A change, as the transactions that make it. */
export interface TableCommit {
  /** Rows of texts that are too long for those that refer to them. To be written before, when nobody finds them. */
  readonly parts: readonly (readonly TransactionAction[])[];
  /** All that readers find appears at once. The first action is on the head. */
  readonly actions: readonly TransactionAction[];
  /** Of a row that refers to parts; absent when there are none. */
  readonly referringKey?: string;
}

interface WeighedAction {
  readonly action: TransactionAction;
  readonly weight: number;
}

const MAX_ACTIONS = 100;
/** A transaction is at most 4 MiB large, with what stands around each action. */
const MAX_WEIGHT = 3 * 1024 * 1024;

/**
 * @param tag of the head that is changed; `undefined`: there is none
 * @param partsToken a name that no other commit has
 */
export function planCommit(
  partitionKey: string,
  tag: string | undefined,
  { head, run, isNewMessage, events }: ThreadChange,
  partsToken: string,
): TableCommit {
  const parts: WeighedAction[] = [];
  let referringKey: string | undefined;
  let room = MAX_WEIGHT;
  const place = (rowKey: string, text: string, keys: string): Columns => {
    const rows = toTextRows(text);
    const [row] = rows;
    if (row !== undefined && rows.length === 1 && row.weight <= room) {
      room -= row.weight;
      return row.columns;
    }
    for (const [index, { columns, weight }] of rows.entries()) {
      parts.push({ action: ['upsert', { partitionKey, rowKey: partKey(keys, index), ...columns }, 'Replace'], weight });
    }
    referringKey = rowKey;
    return { partsToken, partCount: rows.length } satisfies PartsReference;
  };

  const headRow = { partitionKey, rowKey: HEAD_KEY, ...toHeadRow(head) };
  // The head comes first: nothing else is looked at when somebody else has changed it.
  const actions: TransactionAction[] = [
    tag === undefined ? ['create', headRow] : ['update', headRow, 'Replace', { etag: tag }],
  ];
  if (run !== undefined) {
    const { correlationId, requestMessage } = run;
    const rowKey = runKey(head.epoch, correlationId);
    const runRow = { partitionKey, rowKey, ...toRunRow(run) };
    const keys = messagePartKeys(head.epoch, correlationId, partsToken);
    if (isNewMessage) actions.push(['upsert', { ...runRow, ...place(rowKey, requestMessage, keys) }, 'Replace']);
    // The message stays; there is a conflict when the run was removed meanwhile.
    else actions.push(['update', runRow, 'Merge']);
  }
  for (const event of events) {
    const rowKey = eventKey(event.sequence);
    const columns = place(rowKey, event.fields, eventPartKeys(event.sequence, partsToken));
    actions.push(['create', { partitionKey, rowKey, ...toEventRow(event), ...columns }]);
  }
  const transactions = fillBins(parts, ({ weight }) => weight, { maxWeight: MAX_WEIGHT, maxCount: MAX_ACTIONS });
  return {
    parts: transactions.map((group) => group.map(({ action }) => action)),
    actions,
    ...(referringKey !== undefined && { referringKey }),
  };
}

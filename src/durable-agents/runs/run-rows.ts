import type { ValueChange } from '../../storage/key-value-store.js';
import { isEnded, type RunRecord } from './run-record.js';

/*
 * A run has up to three rows in the partition of its thread: its record by correlation id, one that lists it by the time
 * when it was accepted, and one while it has not ended.
 */

export function runKey(correlationId: string): string {
  return `run|${correlationId}`;
}

/** Exists while the run has not ended. */
function openKey({ order, correlationId }: RunRecord): string {
  return `open|${order}|${correlationId}`;
}

/** Lists the run among those of its thread. */
function listKey(record: RunRecord): string {
  return `list|${runPosition(record)}`;
}

/** Ends the keys of rows that list a run. Sorts the newest run first. */
export function runPosition({ order, correlationId }: Pick<RunRecord, 'order' | 'correlationId'>): string {
  return `${invertedOrder(order)}|${correlationId}`;
}

/** Also turns an inverted order back. */
export function invertedOrder(order: string): string {
  return order.replaceAll(/\d/g, (digit) => String(9 - Number(digit)));
}

/** Milliseconds since 1970, then a count. @param count at most 5 digits */
export function orderAt(ms: number, count = 0): string {
  return String(ms).padStart(13, '0') + String(count).padStart(5, '0');
}

/** The changes that replace a record. @param before undefined: the run is new */
export function changesOf(before: RunRecord | undefined, after: RunRecord): ValueChange[] {
  const { correlationId } = after;
  const isOpen = !isEnded(after);
  const wasOpen = before !== undefined && !isEnded(before);
  return [
    { key: runKey(correlationId), value: JSON.stringify(after) },
    ...(before === undefined ? [{ key: listKey(after), value: correlationId }] : []),
    ...(isOpen === wasOpen ? [] : [{ key: openKey(after), value: isOpen ? correlationId : undefined }]),
  ];
}

/** The keys of all rows that a run can have. */
export function keysOf(record: RunRecord): readonly string[] {
  return [runKey(record.correlationId), openKey(record), listKey(record)];
}

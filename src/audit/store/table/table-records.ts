import type { KeptEvent } from '../kept-event.js';
import type { RunRecord } from '../run-record.js';
import type { ThreadHead } from '../thread-head.js';

/*
 * What the rows of a thread hold. Texts that may be long are not among it: they stand in columns of their own, or in
 * rows of their own when a row refers to them.
 */

export interface HeadRow {
  /** JSON of the {@link ThreadHead}. */
  readonly head: string;
}

/** Where a text stands that its row has no room for. */
export interface PartsReference {
  /** Names the commit that wrote it: what one that failed has left behind is never taken for another's. */
  readonly partsToken?: string;
  readonly partCount?: number;
}

/** Its text is the request message. */
export interface RunRow extends PartsReference {
  /** JSON of the {@link RunRecord} without its request message. */
  readonly run: string;
}

/** Its text is the fields of the event. */
export interface EventRow extends PartsReference {
  readonly correlationId: string;
  readonly attempt: number;
  readonly madeAt: string;
  readonly eventType: KeptEvent['eventType'];
}

export function toHeadRow(head: ThreadHead): HeadRow {
  return { head: JSON.stringify(head) };
}

export function readHeadRow({ head }: HeadRow): ThreadHead {
  const read: ThreadHead = JSON.parse(head);
  return read;
}

export function toRunRow(run: RunRecord): RunRow {
  return { run: JSON.stringify({ ...run, requestMessage: undefined }) };
}

export function readRunRow({ run }: Pick<RunRow, 'run'>, requestMessage: string): RunRecord {
  const read: Omit<RunRecord, 'requestMessage'> = JSON.parse(run);
  return { ...read, requestMessage };
}

export function toEventRow({ correlationId, attempt, timestamp, eventType }: KeptEvent): EventRow {
  return { correlationId, attempt, madeAt: timestamp, eventType };
}

/** @param sequence what the row's key says */
export function readEventRow(
  { correlationId, attempt, madeAt, eventType }: EventRow,
  sequence: number,
  fields: string,
): KeptEvent {
  return { sequence, correlationId, attempt, timestamp: madeAt, eventType, fields };
}

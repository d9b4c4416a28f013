import type { EventThread } from '../../domain/event-thread.js';
import type { StoredHead } from '../durable/durable-store-adapter.js';
import { inParallel } from '../../../storage/request-limits.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { RunRecord } from '../../domain/run-record.js';
import {
  eventKey,
  eventPartKeys,
  eventsFrom,
  HEAD_KEY,
  keysUnder,
  messagePartKeys,
  runKey,
  runsOf,
  sequenceOf,
  threadPartition,
} from './table-keys.js';
import { readEventRow, readHeadRow, readPartsReference, readRunRow } from './table-records.js';
import type { Row, TableRows } from './table-rows.js';
import { textIn } from './table-text.js';

/** A head, and when the service wrote it: ISO 8601 in UTC. */
export interface ReadHead extends StoredHead {
  readonly writtenAt: string;
}

const READS_AT_ONCE = 16;
/** More runs than these are found sooner among all runs of the thread. */
const MAX_POINT_READS = 100;

export async function readHead(rows: TableRows, thread: EventThread): Promise<ReadHead | undefined> {
  const row = await rows.get(threadPartition(thread), HEAD_KEY);
  return row && { head: readHeadRow(row), tag: row.etag, writtenAt: row.timestamp ?? '' };
}

export async function readRuns(
  rows: TableRows,
  thread: EventThread,
  epoch: string,
  correlationIds: readonly string[],
): Promise<RunRecord[]> {
  const partitionKey = threadPartition(thread);
  const wanted = new Map(correlationIds.map((id) => [runKey(epoch, id), id]));
  const found =
    wanted.size > MAX_POINT_READS
      ? await rows.list(partitionKey, runsOf(epoch))
      : await inParallel([...wanted.keys()], READS_AT_ONCE, (key) => rows.get(partitionKey, key));
  const runs = await inParallel(found, READS_AT_ONCE, async (row) => {
    const correlationId = row && wanted.get(row.rowKey);
    if (row === undefined || correlationId === undefined) return undefined;
    const message = await textOf(rows, row, (token) => messagePartKeys(epoch, correlationId, token));
    return message === undefined ? undefined : readRunRow(row, message);
  });
  return runs.filter((run) => run !== undefined);
}

export async function readEvents(
  rows: TableRows,
  thread: EventThread,
  first: number,
  limit: number,
): Promise<StoredEvent[]> {
  const found = await readEventRows(rows, threadPartition(thread), first, limit);
  const events = await inParallel(found, READS_AT_ONCE, async (row) => {
    const sequence = sequenceOf(row.rowKey);
    const fields = await textOf(rows, row, (token) => eventPartKeys(sequence, token));
    return fields === undefined ? undefined : readEventRow(row, sequence, fields);
  });
  return events.filter((event) => event !== undefined);
}

async function readEventRows(rows: TableRows, partitionKey: string, first: number, limit: number): Promise<Row[]> {
  // The emulator sorts all that it finds, whatever the limit: let it find no more than is wanted.
  const range = { from: eventKey(first), before: eventKey(first + limit) };
  const found = await rows.list(partitionKey, range, { limit });
  if (found[0]?.rowKey === range.from) return found;
  // Events behind the first one were dropped as well, maybe more than the limit: go to where they begin.
  return rows.list(partitionKey, eventsFrom(first), { limit });
}

/** @returns `undefined` when the text was removed since its row was read, as the row was */
async function textOf(rows: TableRows, row: Row, keysOf: (partsToken: string) => string): Promise<string | undefined> {
  const { partsToken, partCount } = readPartsReference(row);
  if (partsToken === undefined) return textIn(row);
  const parts = await rows.list(row.partitionKey, keysUnder(keysOf(partsToken)));
  return parts.length === partCount ? parts.map(textIn).join('') : undefined;
}

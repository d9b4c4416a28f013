import type { EventThread } from '../../domain/event-thread.js';
import { inParallel } from '../../../storage/request-limits.js';
import { isReached } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import {
  eventPartsBefore,
  eventsBefore,
  EVERYTHING_BUT_HEAD,
  HEAD_KEY,
  messagesBefore,
  messagesOf,
  runsBefore,
  runsOf,
  threadPartition,
} from './table-keys.js';
import { readRunRow } from './table-records.js';
import type { Row, TableRows } from './table-rows.js';
import type { ThreadHead } from '../../domain/thread-head.js';

const REMOVALS_AT_ONCE = 4;

/**
 * Removes what a head no longer reaches, also what writers have left behind that failed half-way. Nothing of it can be
 * reached again: heads only move on.
 */
export async function removeUnreachable(rows: TableRows, thread: EventThread, head: ThreadHead): Promise<void> {
  const partitionKey = threadPartition(thread);
  const { oldestSequence, epoch } = head;
  await Promise.all([
    rows.removeRange(partitionKey, eventsBefore(oldestSequence)),
    rows.removeRange(partitionKey, runsBefore(epoch)),
    removeUnreachedRuns(rows, thread, head),
  ]);
  // Who finds a row without its text may take it for removed.
  await Promise.all([
    rows.removeRange(partitionKey, eventPartsBefore(oldestSequence)),
    rows.removeRange(partitionKey, messagesBefore(epoch)),
  ]);
}

/** Removes all rows of a thread whose head cannot be read. That goes last: nobody goes on with the thread before. */
export async function removeThreadRows(rows: TableRows, thread: EventThread): Promise<void> {
  const partitionKey = threadPartition(thread);
  const head = await rows.get(partitionKey, HEAD_KEY);
  await inParallel(EVERYTHING_BUT_HEAD, REMOVALS_AT_ONCE, (range) => rows.removeRange(partitionKey, range));
  // Not if somebody else was faster, and the thread has begun anew.
  if (head !== undefined) await rows.remove(head, head.etag);
}

/** The records of an epoch's runs, without their messages. */
export async function listRuns(
  rows: TableRows,
  thread: EventThread,
  epoch: string,
): Promise<{ readonly row: Row; readonly run: RunRecord }[]> {
  const found = await rows.list(threadPartition(thread), runsOf(epoch), { columns: ['run'] });
  return found.map((row) => ({ row, run: readRunRow(row, '') }));
}

async function removeUnreachedRuns(rows: TableRows, thread: EventThread, head: ThreadHead): Promise<void> {
  const { epoch } = head;
  const runs = await listRuns(rows, thread, epoch);
  await inParallel(runs, REMOVALS_AT_ONCE, async ({ row, run }) => {
    if (isReached(run, head)) return;
    // Not if somebody has begun it again.
    const isRemoved = await rows.remove(row, row.etag);
    if (isRemoved) await rows.removeRange(row.partitionKey, messagesOf(epoch, run.correlationId));
  });
}

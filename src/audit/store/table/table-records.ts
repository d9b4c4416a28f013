import { z } from 'zod';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { RunRecord } from '../../domain/run-record.js';
import { parseHead, parseRun, storedEventType, storeHead, storeRun } from '../durable/stored-schemas.js';
import type { ThreadHead } from '../../domain/thread-head.js';

/*
 * What the rows of a thread hold, and how it is read from them. Texts that may be long are not among it: they stand in
 * columns of their own, or in rows of their own when a row refers to them.
 */

const headRow = z.object({ head: z.string() });

const partsReference = z.object({
  /** Names the commit that wrote it: what one that failed has left behind is never taken for another's. */
  partsToken: z.string().exactOptional(),
  partCount: z.number().exactOptional(),
});

/** Its text is the request message. */
const runRow = z.object({ run: z.string() });

/** Its text is the fields of the event. */
const eventRow = z.object({
  correlationId: z.string(),
  attempt: z.number(),
  madeAt: z.string(),
  eventType: storedEventType,
});

/** Where a text stands that its row has no room for; empty when it has. */
export type PartsReference = z.infer<typeof partsReference>;

export function toHeadRow(head: ThreadHead): z.infer<typeof headRow> {
  return { head: storeHead(head) };
}

export function readHeadRow(row: object): ThreadHead {
  return parseHead(headRow.parse(row).head);
}

export function readPartsReference(row: object): PartsReference {
  return partsReference.parse(row);
}

export function toRunRow(run: RunRecord): z.infer<typeof runRow> {
  return { run: storeRun(run) };
}

export function readRunRow(row: object, requestMessage: string): RunRecord {
  return parseRun(runRow.parse(row).run, requestMessage);
}

export function toEventRow({ correlationId, attempt, timestamp, eventType }: StoredEvent): z.infer<typeof eventRow> {
  return { correlationId, attempt, madeAt: timestamp, eventType };
}

/** @param sequence what the row's key says */
export function readEventRow(row: object, sequence: number, fields: string): StoredEvent {
  const { correlationId, attempt, madeAt, eventType } = eventRow.parse(row);
  return { sequence, correlationId, attempt, timestamp: madeAt, eventType, fields };
}

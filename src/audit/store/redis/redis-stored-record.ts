import { z } from 'zod';
import type { StoredEvent } from '../../domain/stored-event.js';
import { jsonOf, storedEventType } from '../durable/stored-schemas.js';
import type { ThreadHead } from '../../domain/thread-head.js';

/*
 * How events stand in Redis, and what the fields of records and runs are called.
 */

const storedEvent = z.object({
  run: z.string(),
  attempt: z.coerce.number(),
  at: z.string(),
  type: storedEventType,
  fields: z.string(),
});

/** Tells apart what was kept before and after a thread was cleared, or lost. */
export function recordNameOf({ epoch }: ThreadHead): string {
  return epoch;
}

const RUN_FIELD = 'run|';

/** The field of a run in the hash of its thread's runs. */
export function runFieldOf(epoch: string, correlationId: string): string {
  return `${RUN_FIELD}${epoch}|${correlationId}`;
}

export function isRunField(field: string): boolean {
  return field.startsWith(RUN_FIELD);
}

/** The field of a run's request message. It stands alone: it may be long, and never changes. */
export function messageFieldOf(runField: string): string {
  return `message|${runField.slice(RUN_FIELD.length)}`;
}

const messageJson = jsonOf(z.string());

/** @returns JSON: half a surrogate pair does not survive UTF-8 as it is */
export function storeMessage(requestMessage: string): string {
  return JSON.stringify(requestMessage);
}

/** @param stored absent: it was let go before its run */
export function parseMessage(stored: string | null | undefined): string {
  return typeof stored === 'string' ? messageJson.parse(stored) : '';
}

/** An event's sequence, and the values of the fields of its entry: run, attempt, at, type, fields. */
export function storeEvent({ sequence, correlationId, attempt, timestamp, eventType: type, fields }: StoredEvent) {
  return [String(sequence), correlationId, String(attempt), timestamp, type, fields];
}

/** @param id of the entry */
export function parseEvent(id: string, message: Readonly<Record<string, string>>): StoredEvent {
  const { run, attempt, at, type, fields } = storedEvent.parse(message);
  return { sequence: Number.parseInt(id, 10), correlationId: run, attempt, timestamp: at, eventType: type, fields };
}

import { z } from 'zod';
import type { KeptEvent } from '../kept-event.js';
import type { RunRecord } from '../run-record.js';
import type { ThreadHead } from '../thread-head.js';

/*
 * How heads, runs and events stand in Redis.
 */

const eventType = z.enum(['stream', 'final', 'failed']);

const storedHead = z.object({
  epoch: z.string(),
  version: z.number(),
  generation: z.number(),
  oldestSequence: z.number(),
  newestSequence: z.number(),
  newestAttempt: z.object({ correlationId: z.string(), attempt: z.number() }).exactOptional(),
  totals: z
    .object({
      firstEventAt: z.string(),
      lastEventAt: z.string(),
      lastEventType: eventType,
      runCount: z.number(),
      failedRunCount: z.number(),
      inputTokenCount: z.number(),
      outputTokenCount: z.number(),
      totalTokenCount: z.number(),
    })
    .exactOptional(),
});

const storedRun = z.object({
  correlationId: z.string(),
  acceptedAt: z.string(),
  attempts: z.array(
    z.object({
      attempt: z.number(),
      token: z.string(),
      startedAt: z.string(),
      eventCount: z.number(),
      lostEvents: z.number(),
      lastSequence: z.number().exactOptional(),
      outcome: z.enum(['final', 'failed']).exactOptional(),
      endedAt: z.string().exactOptional(),
    }),
  ),
  committed: z.boolean(),
  cancelRequested: z.boolean(),
});

const storedEvent = z.object({
  run: z.string(),
  attempt: z.coerce.number(),
  at: z.string(),
  type: eventType,
  fields: z.string(),
});

/** Tells apart what was kept before and after a thread was cleared, or lost. */
export function recordNameOf({ epoch, generation }: ThreadHead): string {
  return `${epoch}|${generation}`;
}

export function storeHead(head: ThreadHead): string {
  return JSON.stringify(head);
}

export function parseHead(text: string): ThreadHead {
  return storedHead.parse(JSON.parse(text));
}

const RUN_FIELD = 'run|';

/** The field of a run in the hash of its thread's runs. */
export function runFieldOf(generation: number, correlationId: string): string {
  return `${RUN_FIELD}${generation}|${correlationId}`;
}

export function isRunField(field: string): boolean {
  return field.startsWith(RUN_FIELD);
}

/** The field of a run's request message. It stands alone: it may be long, and never changes. */
export function messageFieldOf(runField: string): string {
  return `message|${runField.slice(RUN_FIELD.length)}`;
}

export function storeRun(run: RunRecord): string {
  return JSON.stringify({ ...run, requestMessage: undefined });
}

/** @param requestMessage `null` when Redis has not got it */
export function parseRun(text: string, requestMessage: string | null): RunRecord {
  return { ...storedRun.parse(JSON.parse(text)), requestMessage: requestMessage ?? '' };
}

/** An event's sequence, and the values of the fields of its entry: run, attempt, at, type, fields. */
export function storeEvent({ sequence, correlationId, attempt, timestamp, eventType: type, fields }: KeptEvent) {
  return [String(sequence), correlationId, String(attempt), timestamp, type, fields];
}

/** @param id of the entry */
export function parseEvent(id: string, message: Readonly<Record<string, string>>): KeptEvent {
  const { run, attempt, at, type, fields } = storedEvent.parse(message);
  return { sequence: Number.parseInt(id, 10), correlationId: run, attempt, timestamp: at, eventType: type, fields };
}

import { z } from 'zod';
import type { RecordedRun, RunAttempt } from '../../domain/recorded-run.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { ThreadHead, ThreadTotals } from '../../domain/thread-head.js';

/*
 * The JSON of heads, runs and events in a durable store. Reads are validated and drop unknown fields.
 * Parsers throw a ZodError.
 */

/** Parses JSON text, then checks it. */
export function jsonOf<Schema extends z.ZodType>(schema: Schema) {
  const json = z.string().transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('It is not JSON.');
      return z.NEVER;
    }
  });
  return json.pipe(schema);
}

/** All fields of a type, so that none is dropped by mistake. */
type Fields<Type> = Record<keyof Type, z.ZodType>;

const eventType = z.enum(['stream', 'approval', 'final', 'failed']);

const headJson = jsonOf(
  z.object({
    epoch: z.string(),
    version: z.number(),
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
        cost: z.object({ amount: z.number(), currency: z.string() }).exactOptional(),
      } satisfies Fields<ThreadTotals>)
      .exactOptional(),
  } satisfies Fields<ThreadHead>),
);

const runJson = jsonOf(
  z.object({
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
      } satisfies Fields<RunAttempt>),
    ),
  } satisfies Fields<Omit<RecordedRun, 'requestMessage'>>),
);

const batchJson = jsonOf(
  z.object({
    correlationId: z.string(),
    attempt: z.number(),
    events: z.array(
      z.object({
        timestamp: z.string(),
        eventType,
        fields: z.string(),
      } satisfies Fields<Omit<StoredEvent, 'sequence' | 'correlationId' | 'attempt'>>),
    ),
  }),
);

export function parseHead(json: string): ThreadHead {
  return headJson.parse(json);
}

/** The request message has its own row because it may be long and never changes. */
export function formatRun({ requestMessage: _requestMessage, ...run }: RecordedRun): string {
  return JSON.stringify(run);
}

export function parseRun(json: string, requestMessage: string): RecordedRun {
  return { ...runJson.parse(json), requestMessage };
}

/** @param events - the events of one append, at least one. They share a run and an attempt. */
export function formatBatch(events: readonly StoredEvent[]): string {
  const { correlationId, attempt } = events[0] ?? {};
  const own = events.map(({ timestamp, eventType: type, fields }) => ({ timestamp, eventType: type, fields }));
  return JSON.stringify({ correlationId, attempt, events: own });
}

/** @param lastSequence - sequence of the batch's last event */
export function parseBatch(json: string, lastSequence: number): StoredEvent[] {
  const { correlationId, attempt, events } = batchJson.parse(json);
  const first = lastSequence - events.length + 1;
  return events.map((event, index) => ({ sequence: first + index, correlationId, attempt, ...event }));
}

import { z } from 'zod';
import type { RunAttempt, RunRecord } from '../../domain/run-record.js';
import type { ThreadHead, ThreadTotals } from '../../domain/thread-head.js';

/*
 * How heads and runs stand in the services: what comes back from one is checked against it. Fields that are not known
 * here are dropped.
 */

/** A text that is the JSON of something. */
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

/** All of them, so that none is dropped by mistake. */
type Fields<Type> = Record<keyof Type, z.ZodType>;

export const storedEventType = z.enum(['stream', 'final', 'failed']);

export const storedTotals = z.object({
  firstEventAt: z.string(),
  lastEventAt: z.string(),
  lastEventType: storedEventType,
  runCount: z.number(),
  failedRunCount: z.number(),
  inputTokenCount: z.number(),
  outputTokenCount: z.number(),
  totalTokenCount: z.number(),
} satisfies Fields<ThreadTotals>);

export const storedHead = z.object({
  epoch: z.string(),
  version: z.number(),
  oldestSequence: z.number(),
  newestSequence: z.number(),
  newestAttempt: z.object({ correlationId: z.string(), attempt: z.number() }).exactOptional(),
  totals: storedTotals.exactOptional(),
} satisfies Fields<ThreadHead>);

/** Without the request message, which stands apart: it may be long, and never changes. */
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
    } satisfies Fields<RunAttempt>),
  ),
} satisfies Fields<Omit<RunRecord, 'requestMessage'>>);

const headJson = jsonOf(storedHead);
const runJson = jsonOf(storedRun);

/** @returns JSON */
export function storeHead(head: ThreadHead): string {
  return JSON.stringify(head);
}

/** @throws ZodError when it is not the JSON of a head */
export function parseHead(json: string): ThreadHead {
  return headJson.parse(json);
}

/** @returns JSON, without the request message */
export function storeRun(run: RunRecord): string {
  return JSON.stringify({ ...run, requestMessage: undefined });
}

/** @throws ZodError when it is not the JSON of a run */
export function parseRun(json: string, requestMessage: string): RunRecord {
  return { ...runJson.parse(json), requestMessage };
}

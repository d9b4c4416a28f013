import { z } from 'zod';

// Events as the app serves them, in the names of the wire; only what is shown of them.
const eventOfRun = z.object({
  sequence: z.int().min(1),
  timestamp: z.iso.datetime(),
  correlation_id: z.string(),
  /** A connection carries it with the first event of each run only. */
  request_message: z.string().optional(),
  /** Absent where the app does not tell. */
  run_started_at: z.iso.datetime().optional(),
  /** Which delivery of the run it came from: events of a larger one take the place of those of all smaller ones. */
  attempt: z.int().min(1).default(1),
});

/** How many events of a run its record lacks; absent: none. */
const lostEvents = z.int().min(1).optional();

const usage = z.object({
  input_token_count: z.number(),
  output_token_count: z.number(),
  total_token_count: z.number(),
});

/** One callback call of a run: an update, or how the run ended. */
export const receivedEvent = z.discriminatedUnion('event_type', [
  eventOfRun.extend({
    event_type: z.literal('stream'),
    update_kind: z.string(),
    text: z.string(),
    /** Of a tool call or its result, as the fields after it. */
    tool_name: z.string().optional(),
    arguments: z.unknown().optional(),
    result: z.unknown().optional(),
    is_error: z.boolean().optional(),
  }),
  eventOfRun.extend({
    event_type: z.literal('final'),
    response_text: z.string(),
    usage: usage.nullable(),
    finish_reason: z.string().optional(),
    lost_events: lostEvents,
  }),
  eventOfRun.extend({
    event_type: z.literal('failed'),
    error_code: z.string(),
    error_message: z.string(),
    lost_events: lostEvents,
  }),
]);

/** What a stream says, beside events, of an attempt that was cut off: its events and those before are void. */
export const supersededAttempt = z.object({ correlation_id: z.string(), attempt: z.int().min(1) });

export type TelemetryEvent = z.infer<typeof receivedEvent> & { readonly request_message: string };
export type SupersededAttempt = z.infer<typeof supersededAttempt>;
export type StreamEvent = Extract<TelemetryEvent, { event_type: 'stream' }>;
export type FinalEvent = Extract<TelemetryEvent, { event_type: 'final' }>;
export type FailedEvent = Extract<TelemetryEvent, { event_type: 'failed' }>;

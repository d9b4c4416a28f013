import { z } from 'zod';

// Events as served by the app, with their wire names. Only the fields that are shown.
const eventOfRun = z.object({
  sequence: z.int().min(1),
  timestamp: z.iso.datetime(),
  correlation_id: z.string(),
  /** Only the first event of each run on a connection carries it. */
  request_message: z.string().optional(),
  run_started_at: z.iso.datetime().optional(),
  /** Attempt of the run. Events of a later attempt replace those of all earlier ones. */
  attempt: z.int().min(1).default(1),
});

/** Number of the run's events that were not stored. @default 0 */
const lostEvents = z.int().min(1).optional();

const usage = z.object({
  input_token_count: z.number(),
  output_token_count: z.number(),
  total_token_count: z.number(),
});

/** An event of a run: an update, an approval that a tool call needs or gets, or the end of the run. */
export const receivedEvent = z.discriminatedUnion('event_type', [
  eventOfRun.extend({
    event_type: z.literal('stream'),
    update_kind: z.string(),
    text: z.string(),
    /** Set for a tool call or its result, like the fields after it. */
    tool_name: z.string().optional(),
    arguments: z.unknown().optional(),
    result: z.unknown().optional(),
    is_error: z.boolean().optional(),
  }),
  eventOfRun.extend({
    event_type: z.literal('approval'),
    approval_id: z.string(),
    tool_name: z.string(),
    arguments: z.unknown(),
    /** `requested`, or the decision. */
    state: z.string(),
    decided_by: z.string().optional(),
    reason: z.string().optional(),
    arguments_edited: z.boolean().optional(),
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

/** Notice that an attempt was interrupted: its events and those of earlier attempts are superseded. */
export const supersededAttempt = z.object({ correlation_id: z.string(), attempt: z.int().min(1) });

export type TelemetryEvent = z.infer<typeof receivedEvent> & { readonly request_message: string };
export type SupersededAttempt = z.infer<typeof supersededAttempt>;
export type StreamEvent = Extract<TelemetryEvent, { event_type: 'stream' }>;
export type ApprovalEvent = Extract<TelemetryEvent, { event_type: 'approval' }>;
export type FinalEvent = Extract<TelemetryEvent, { event_type: 'final' }>;
export type FailedEvent = Extract<TelemetryEvent, { event_type: 'failed' }>;

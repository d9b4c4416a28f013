import { z } from 'zod';

// Events as the app serves them, in the names of the wire; only what is shown of them.
const eventOfRun = z.object({
  sequence: z.int().min(1),
  timestamp: z.iso.datetime(),
  correlation_id: z.string(),
  request_message: z.string(),
  /** Absent where the app does not tell. */
  run_started_at: z.iso.datetime().optional(),
});

const usage = z.object({
  input_token_count: z.number(),
  output_token_count: z.number(),
  total_token_count: z.number(),
});

/** One callback call of a run: an update, or how the run ended. */
export const telemetryEvent = z.discriminatedUnion('event_type', [
  eventOfRun.extend({ event_type: z.literal('stream'), update_kind: z.string(), text: z.string() }),
  eventOfRun.extend({
    event_type: z.literal('final'),
    response_text: z.string(),
    usage: usage.nullable(),
    finish_reason: z.string().optional(),
  }),
  eventOfRun.extend({ event_type: z.literal('failed'), error_code: z.string(), error_message: z.string() }),
]);

export type TelemetryEvent = z.infer<typeof telemetryEvent>;
export type FinalEvent = Extract<TelemetryEvent, { event_type: 'final' }>;
export type FailedEvent = Extract<TelemetryEvent, { event_type: 'failed' }>;

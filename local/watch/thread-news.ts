import type { TelemetryEvent } from './telemetry-event.js';

/** What a reader of a thread is told. */
export type ThreadNews =
  /** The thread can be read, for the first time or again after `lost`. */
  | { readonly type: 'connected' }
  | { readonly type: 'event'; readonly event: TelemetryEvent }
  /** What was told of this run so far is void: this attempt was cut off, and the run starts again. */
  | { readonly type: 'superseded'; readonly correlationId: string; readonly attempt: number }
  /** What was told so far is gone; the oldest event that is kept follows. */
  | { readonly type: 'reset' }
  /** The thread cannot be read for now. `reason` is one sentence; told once, however many attempts fail. */
  | { readonly type: 'lost'; readonly reason: string };

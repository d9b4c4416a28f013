import type { TelemetryEvent } from './telemetry-event.js';

/** An event, or a change of the connection, while a thread is followed. */
export type WatchEvent =
  /** The stream is open, for the first time or again after `lost`. */
  | { readonly type: 'connected' }
  | { readonly type: 'event'; readonly event: TelemetryEvent }
  /** This attempt was interrupted: discard its events; the run restarts. */
  | { readonly type: 'superseded'; readonly correlationId: string; readonly attempt: number }
  /** The events so far are no longer stored. The oldest stored event follows. */
  | { readonly type: 'reset' }
  /** The connection is lost. `reason` is one sentence. Yielded once per outage. */
  | { readonly type: 'lost'; readonly reason: string };

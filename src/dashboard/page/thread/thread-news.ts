import type { TelemetryEvent } from '../api/telemetry-event.js';

/** A change to a thread, in order. */
export type ThreadNews =
  | {
      /** Everything shown of the thread is lost. */
      readonly type: 'reset';
    }
  | {
      /** This attempt of a run and all earlier ones are superseded; the run starts over. */
      readonly type: 'superseded';
      readonly correlationId: string;
      readonly attempt: number;
    }
  | {
      readonly type: 'event';
      /** Epoch of the stored events. Another epoch has nothing in common with what is shown. Optional. */
      readonly epoch: string | undefined;
      readonly event: TelemetryEvent;
      /** When it arrived: milliseconds by the page's clock. */
      readonly receivedAtMs: number;
    };

/** Returns the epoch of a cursor, `{epoch}-{sequence}`; `undefined` for a plain sequence. */
export function epochOf(cursor: string): string | undefined {
  const end = cursor.lastIndexOf('-');
  return end > 0 ? cursor.slice(0, end) : undefined;
}

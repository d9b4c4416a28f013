import type { TelemetryEvent } from '../api/telemetry-event.js';

/** A change to a thread. Changes are applied in order. */
export type ThreadChange =
  | {
      /** The store no longer has the events that are shown. */
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
      /** Epoch of the stored events. A new epoch replaces all events that are shown. */
      readonly epoch: string | undefined;
      readonly event: TelemetryEvent;
      /** When it arrived: milliseconds on the page's clock. */
      readonly receivedAtMs: number;
    };

/** Returns the epoch of a cursor, `{epoch}-{sequence}`; `undefined` for a plain sequence. */
export function epochOf(cursor: string): string | undefined {
  const end = cursor.lastIndexOf('-');
  return end > 0 ? cursor.slice(0, end) : undefined;
}

import type { TelemetryEvent } from '../api/telemetry-event.js';

/** What a reader of a thread is told, in order. */
export type ThreadNews =
  | {
      /** What is shown of the thread is lost. */
      readonly type: 'reset';
    }
  | {
      /** This attempt of a run and those before it are void; the run starts again. */
      readonly type: 'superseded';
      readonly correlationId: string;
      readonly attempt: number;
    }
  | {
      readonly type: 'event';
      /** Of which record the event is: another one has nothing to do with what is shown. Absent: not told. */
      readonly epoch: string | undefined;
      readonly event: TelemetryEvent;
      /** When it got here, by the page's own clock in milliseconds. */
      readonly receivedAtMs: number;
    };

/** The record that a cursor, `{epoch}-{sequence}`, belongs to; `undefined` for a plain sequence. */
export function epochOf(cursor: string): string | undefined {
  const end = cursor.lastIndexOf('-');
  return end > 0 ? cursor.slice(0, end) : undefined;
}

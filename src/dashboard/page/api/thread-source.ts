import type { TelemetryEvent } from './telemetry-event.js';

/** One thread of one agent. */
export interface ThreadAddress {
  readonly agentName: string;
  readonly threadId: string;
}

export interface EventPage {
  readonly events: readonly TelemetryEvent[];
  /** Cursor for the next read. */
  readonly cursor: string;
  /** Earlier events are lost; this page starts with the oldest one left. */
  readonly isReset: boolean;
}

/** Source of events. Both methods fail if the app is unreachable or responds with an error. */
export interface ThreadSource {
  /** Reads the events after a cursor, or from the oldest one, page by page. */
  readonly readEvents: (
    thread: ThreadAddress,
    after: string | undefined,
    signal?: AbortSignal,
  ) => AsyncIterable<EventPage>;
  /** Opens the live stream of server-sent events after a cursor. */
  readonly openStream: (thread: ThreadAddress, after: string, signal: AbortSignal) => Promise<Response>;
}

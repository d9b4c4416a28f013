import type { TelemetryEvent } from './telemetry-event.js';

/** One thread of one agent. */
export interface ThreadAddress {
  readonly agentName: string;
  readonly threadId: string;
}

export interface EventPage {
  readonly events: readonly TelemetryEvent[];
  /** Where to read on. */
  readonly cursor: string;
  readonly hasMore: boolean;
  /** What was read before is lost: the events begin with the oldest kept one. */
  readonly isReset: boolean;
}

/** Where the events of threads are read. Both reject when the app does not answer, or with no success. */
export interface ThreadSource {
  /** Events behind a cursor, or from the oldest; some of them when there are many. */
  readonly readEvents: (thread: ThreadAddress, after: string | undefined, signal?: AbortSignal) => Promise<EventPage>;
  /** Opens the live stream behind a cursor: server-sent events. */
  readonly openStream: (thread: ThreadAddress, after: string, signal: AbortSignal) => Promise<Response>;
}

import type { CallbackEventFields } from './callback-event.js';

/** An event on its way into a store, which gives it its place. */
export interface NewEvent {
  /** When the callback ran: ISO 8601 in UTC, to the millisecond. */
  readonly timestamp: string;
  readonly eventType: CallbackEventFields['event_type'];
  /** The event's own fields as JSON text without the braces: `"event_type":"stream","update_kind":…`. */
  readonly fields: string;
  /** Of an answer whose model counted them. */
  readonly tokens?: TokenCounts;
}

export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly total: number;
}

/** An event as it is kept. What all events of a run have in common stands once, in the run's record. */
export interface StoredEvent extends Pick<NewEvent, 'timestamp' | 'eventType' | 'fields'> {
  readonly sequence: number;
  readonly correlationId: string;
  readonly attempt: number;
}

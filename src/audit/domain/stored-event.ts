import type { RunCost } from '../../durable-agents/index.js';
import type { CallbackEventFields } from './callback-event.js';

/** An event that a store has not numbered yet. */
export interface NewEvent {
  /** When the callback ran: ISO 8601 in UTC, to the millisecond. */
  readonly timestamp: string;
  readonly eventType: CallbackEventFields['event_type'];
  /** The event's own fields as JSON text without the braces: `"event_type":"stream","update_kind":…`. */
  readonly fields: string;
  /** Only on an answer, if the model reports them. */
  readonly tokens?: TokenCounts;
  /** Only on an answer, if the cost is known. */
  readonly cost?: RunCost;
}

export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly total: number;
}

/** An event in a store. A {@link RecordedRun} contains what all events of a run share. */
export interface StoredEvent extends Pick<NewEvent, 'timestamp' | 'eventType' | 'fields'> {
  readonly sequence: number;
  readonly correlationId: string;
  readonly attempt: number;
}

import type { NewCallbackEvent } from './callback-event.js';
import type { EventThreadSummary } from './callback-event-store.js';

type Totals = Omit<EventThreadSummary, 'agentName' | 'threadId' | 'eventCount'>;

/** Counts what a thread's events add up to, as they come. */
export class ThreadTotals {
  #firstEventAt = '';
  // Not the event itself, whose texts may be large: they would be kept beside the bounds of the store.
  #last: Pick<NewCallbackEvent, 'timestamp' | 'event_type' | 'correlation_id'> | undefined;
  #runCount = 0;
  #failedRunCount = 0;
  #inputTokenCount = 0;
  #outputTokenCount = 0;
  #totalTokenCount = 0;

  add(event: NewCallbackEvent): void {
    if (this.#last === undefined) this.#firstEventAt = event.timestamp;
    // A thread takes one turn at a time; a run that is delivered again later counts again.
    if (this.#last?.correlation_id !== event.correlation_id) this.#runCount += 1;
    const { timestamp, event_type, correlation_id } = event;
    this.#last = { timestamp, event_type, correlation_id };
    if (event.event_type === 'failed') this.#failedRunCount += 1;
    if (event.event_type === 'final' && event.usage !== null) {
      this.#inputTokenCount += event.usage.input_token_count;
      this.#outputTokenCount += event.usage.output_token_count;
      this.#totalTokenCount += event.usage.total_token_count;
    }
  }

  /** `undefined` before the first event. */
  get(): Totals | undefined {
    if (this.#last === undefined) return undefined;
    return {
      firstEventAt: this.#firstEventAt,
      lastEventAt: this.#last.timestamp,
      lastEventType: this.#last.event_type,
      runCount: this.#runCount,
      failedRunCount: this.#failedRunCount,
      inputTokenCount: this.#inputTokenCount,
      outputTokenCount: this.#outputTokenCount,
      totalTokenCount: this.#totalTokenCount,
    };
  }
}

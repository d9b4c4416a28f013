import type { WatchEvent } from './watch-event.js';
import type { SupersededAttempt, TelemetryEvent } from './telemetry-event.js';

/** Position of a reader among a thread's events. */
export class ReadPosition {
  /** Id of the last complete event. */
  lastEventId: string | undefined;
  retryMs: number;
  /** If undefined, the next event may have any sequence. */
  #lastSequence: number | undefined;
  /** The attempt of each run that was yielded or is expected. */
  readonly #attempts = new Map<string, number>();
  #seenId: string | undefined;

  constructor(retryMs: number) {
    this.retryMs = retryMs;
  }

  /** Returns whether events arrived since the last call. */
  hasMoved(): boolean {
    const hasMoved = this.lastEventId !== this.#seenId;
    this.#seenId = this.lastEventId;
    return hasMoved;
  }

  /** Skips events that were already yielded or belong to a superseded attempt. Sequences may have gaps. */
  *take(event: TelemetryEvent): Generator<WatchEvent> {
    if (this.#lastSequence !== undefined && event.sequence <= this.#lastSequence) return;
    this.#lastSequence = event.sequence;
    const { correlation_id: correlationId, attempt } = event;
    const known = this.#attempts.get(correlationId) ?? attempt;
    if (attempt < known) return;
    this.#attempts.set(correlationId, attempt);
    if (attempt > known) yield { type: 'superseded', correlationId, attempt: known };
    yield { type: 'event', event };
  }

  /** Ignores runs that were not yielded, and runs of which a later attempt was yielded. */
  *supersede({ correlation_id: correlationId, attempt }: SupersededAttempt): Generator<WatchEvent> {
    const known = this.#attempts.get(correlationId);
    if (known === undefined || attempt < known) return;
    this.#attempts.set(correlationId, attempt + 1);
    yield { type: 'superseded', correlationId, attempt };
  }

  *reset(): Generator<WatchEvent> {
    this.#lastSequence = undefined;
    this.#attempts.clear();
    yield { type: 'reset' };
  }
}

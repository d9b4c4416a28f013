import type { ThreadNews } from './thread-news.js';
import type { SupersededAttempt, TelemetryEvent } from './telemetry-event.js';

/** Where a reader stands in the record of a thread. */
export class ReadingPlace {
  /** Of the last event that arrived whole. */
  lastEventId: string | undefined;
  retryMs: number;
  /** Undefined: the next event may have any sequence. */
  #lastSequence: number | undefined;
  /** The attempt of each run that was told, or is waited for. */
  readonly #attempts = new Map<string, number>();
  #seenId: string | undefined;

  constructor(retryMs: number) {
    this.retryMs = retryMs;
  }

  /** Whether events came since it was asked last. */
  hasMoved(): boolean {
    const hasMoved = this.lastEventId !== this.#seenId;
    this.#seenId = this.lastEventId;
    return hasMoved;
  }

  /** An event that was told already, or is of a superseded attempt, is no news. Sequences may have gaps. */
  *take(event: TelemetryEvent): Generator<ThreadNews> {
    if (this.#lastSequence !== undefined && event.sequence <= this.#lastSequence) return;
    this.#lastSequence = event.sequence;
    const { correlation_id: correlationId, attempt } = event;
    const known = this.#attempts.get(correlationId) ?? attempt;
    if (attempt < known) return;
    this.#attempts.set(correlationId, attempt);
    if (attempt > known) yield { type: 'superseded', correlationId, attempt: known };
    yield { type: 'event', event };
  }

  /** Nothing for a run that was not told, or of which a later attempt is told already. */
  *supersede({ correlation_id: correlationId, attempt }: SupersededAttempt): Generator<ThreadNews> {
    const known = this.#attempts.get(correlationId);
    if (known === undefined || attempt < known) return;
    this.#attempts.set(correlationId, attempt + 1);
    yield { type: 'superseded', correlationId, attempt };
  }

  *reset(): Generator<ThreadNews> {
    this.#lastSequence = undefined;
    this.#attempts.clear();
    yield { type: 'reset' };
  }
}

import { sseFrame } from '../../functions/sse.js';
import { endsRun } from '../domain/callback-event.js';
import type { EventCursor } from '../domain/event-cursor.js';
import { formatCursor } from '../domain/event-cursor.js';
import { type RecordedRun, winningAttempt } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import { type EventFilter, isWanted } from './event-filter.js';
import { EventFrames } from './event-json.js';

export interface SentEventsOptions {
  /** Position at which the reader starts. */
  readonly after: EventCursor;
  readonly filter: EventFilter;
  /** End after the first event that ends its run. @default false */
  readonly untilRunEnd?: boolean;
  /** The stream ends after the event that exceeds this size. */
  readonly maxBytes: number;
}

/** Tracks what one reader of a stream has received, and creates the bytes to send next. Independent of the connection. */
export class SentEvents {
  readonly filter: EventFilter;
  /** Current position of the reader. */
  position: EventCursor;
  /** Whether the last event ended its run. */
  hasRunEnd = false;
  /** Why the stream has ended. Undefined while it continues. */
  end: 'ended' | 'limit' | undefined;
  readonly #options: SentEventsOptions;
  /** The attempt of each run of which the reader has events. */
  readonly #attempts = new Map<string, number>();
  /** Runs whose request message was sent. */
  readonly #messages = new Set<string>();
  #sentBytes = 0;

  constructor(options: SentEventsOptions) {
    this.#options = options;
    this.filter = options.filter;
    this.position = options.after;
  }

  /** Records an event that the reader received on an earlier connection. */
  noteEarlier({ correlationId, attempt }: StoredEvent): void {
    const { filter } = this;
    if (filter.correlationId !== undefined && filter.correlationId !== correlationId) return;
    this.#attempts.set(correlationId, attempt);
  }

  /** Advances to the end of a page. @returns the bytes to send, or undefined for none */
  take(page: CallbackEventPage): Uint8Array | undefined {
    const pieces: Uint8Array[] = [];
    if (page.reset) {
      this.#attempts.clear();
      this.#messages.clear();
      pieces.push(resetFrame(page));
    }
    if (this.filter.superseded !== true) pieces.push(...this.#supersededFrames(page));
    const frames = EventFrames.of(page);
    for (const [index, event] of page.events.entries()) {
      if (!isWanted(event, page.runs, this.filter)) continue;
      const { correlationId } = event;
      const frame = frames.frameOf(event, index, !this.#messages.has(correlationId));
      pieces.push(frame);
      this.#messages.add(correlationId);
      this.#attempts.set(correlationId, event.attempt);
      this.#sentBytes += frame.byteLength;
      this.hasRunEnd = isRunEnd(event, page.runs.get(correlationId));
      if (this.#options.untilRunEnd === true && this.hasRunEnd) this.end = 'ended';
      else if (this.#sentBytes >= this.#options.maxBytes) this.end = 'limit';
      if (this.end !== undefined) break;
    }
    this.position = page.next;
    if (pieces.length < 2) return pieces[0];
    return Buffer.concat(pieces);
  }

  /** Reports attempts of which the reader has events and that are superseded according to the page. */
  #supersededFrames({ runs }: CallbackEventPage): Uint8Array[] {
    return [...runs.values()].flatMap((run) => {
      const { correlationId } = run;
      const attempt = this.#attempts.get(correlationId);
      if (attempt === undefined || attempt >= winningAttempt(run)) return [];
      this.#attempts.delete(correlationId);
      this.hasRunEnd = false;
      // No id, because it is not a position in the log.
      return [Buffer.from(sseFrame({ event: 'superseded', data: { correlation_id: correlationId, attempt } }))];
    });
  }
}

/** The id precedes all events, so that a reader that reconnects with it is not reset again. */
function resetFrame({ next, head }: CallbackEventPage): Uint8Array {
  const id = formatCursor({ ...next, sequence: 0 });
  return Buffer.from(sseFrame({ id, event: 'reset', data: { oldest_sequence: head?.oldestSequence ?? 1 } }));
}

/** The last event of a superseded attempt does not end the run, even if it is sent. */
function isRunEnd({ eventType, attempt }: StoredEvent, run: RecordedRun | undefined): boolean {
  return endsRun(eventType) && (run === undefined || attempt >= winningAttempt(run));
}

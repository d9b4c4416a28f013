import { sseFrame } from '../../functions/sse.js';
import type { EventCursor } from '../domain/event-cursor.js';
import { formatCursor } from '../domain/event-cursor.js';
import { type RecordedRun, winningAttempt } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import { type EventFilter, isWanted } from './event-filter.js';
import { EventFrames } from './event-json.js';

export interface SentEventsOptions {
  /** Where the reader begins. */
  readonly after: EventCursor;
  readonly filter: EventFilter;
  /** Ends with the first event that ends its run, which is still sent. @default false */
  readonly untilRunEnd?: boolean;
  /** Bytes after which the stream ends, with the event that exceeds them. */
  readonly maxBytes: number;
}

/** What one reader of a stream has been sent, and what it is to be sent next. Knows neither store nor connection. */
export class SentEvents {
  readonly filter: EventFilter;
  /** Where the reader is. */
  position: EventCursor;
  /** Whether the last event ended its run. */
  hasRunEnd = false;
  /** Why there is nothing more to send. Undefined: there is. */
  end: 'ended' | 'limit' | undefined;
  readonly #options: SentEventsOptions;
  /** Of each run, the attempt that the reader has events of. */
  readonly #attempts = new Map<string, number>();
  /** Runs whose message was sent. */
  readonly #messages = new Set<string>();
  #sentBytes = 0;

  constructor(options: SentEventsOptions) {
    this.#options = options;
    this.filter = options.filter;
    this.position = options.after;
  }

  /** Notes an event that the reader got on an earlier connection. */
  noteEarlier({ correlationId, attempt }: StoredEvent): void {
    const { filter } = this;
    if (filter.correlationId !== undefined && filter.correlationId !== correlationId) return;
    this.#attempts.set(correlationId, attempt);
  }

  /** Moves on to the end of a page. @returns what to send for it; undefined if there is nothing */
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

  /** Takes back attempts of which the reader has events, and which the page shows to be superseded. */
  #supersededFrames({ runs }: CallbackEventPage): Uint8Array[] {
    return [...runs.values()].flatMap((run) => {
      const { correlationId } = run;
      const attempt = this.#attempts.get(correlationId);
      if (attempt === undefined || attempt >= winningAttempt(run)) return [];
      this.#attempts.delete(correlationId);
      this.hasRunEnd = false;
      // Without an id, because it is no position in the log.
      return [Buffer.from(sseFrame({ event: 'superseded', data: { correlation_id: correlationId, attempt } }))];
    });
  }
}

/** Its id is before all events: a reader that reconnects with it is not reset again. */
function resetFrame({ next, head }: CallbackEventPage): Uint8Array {
  const id = formatCursor({ ...next, sequence: 0 });
  return Buffer.from(sseFrame({ id, event: 'reset', data: { oldest_sequence: head?.oldestSequence ?? 1 } }));
}

/** The end of a superseded attempt does not end the run, whether it is shown or not. */
function isRunEnd({ eventType, attempt }: StoredEvent, run: RecordedRun | undefined): boolean {
  return eventType !== 'stream' && (run === undefined || attempt >= winningAttempt(run));
}

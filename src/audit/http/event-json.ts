import { formatCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { RecordedRun } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';

/** Which events repeat the message of their run: all, or only the first of each run in an answer. */
export type MessageRepetition = 'each' | 'once';

export type EventsWithRuns = Pick<CallbackEventPage, 'thread' | 'events' | 'runs'>;

/** The JSON that the events of one attempt share. */
interface AttemptJson {
  readonly correlationId: string;
  readonly attempt: number;
  readonly withMessage: string;
  readonly withoutMessage: string;
  /** Bytes of the longer one, and of whatever else an event has besides its own fields. */
  readonly messageBytes: number;
  readonly otherBytes: number;
  readonly tail: Readonly<Record<StoredEvent['eventType'], string>>;
}

/** Of the timestamp, the sequence, and the punctuation of an event. */
const MAX_FRAMING_BYTES = 60;
const PIECE_CHARS = 64 * 1024;

/**
 * Writes events as JSON texts, together with what is known of their runs; see `CallbackEvent` for the fields. It joins
 * texts, because the events' own fields are long and already JSON. Fastest when events of an attempt are adjacent.
 */
export class EventJson {
  readonly #page: Omit<EventsWithRuns, 'events'>;
  #shared: AttemptJson | undefined;

  constructor(page: Omit<EventsWithRuns, 'events'>) {
    this.#page = page;
  }

  /** @param hasMessage whether the text has the field `request_message` */
  textOf(event: StoredEvent, hasMessage = true): string {
    const shared = this.#sharedOf(event);
    const head = hasMessage ? shared.withMessage : shared.withoutMessage;
    return `{"timestamp":"${event.timestamp}${head}${event.fields}${shared.tail[event.eventType]}${event.sequence}}`;
  }

  /** How many bytes of UTF-8 the text has, or up to 50 more. */
  sizeOf(event: StoredEvent, hasMessage = true): number {
    const { messageBytes, otherBytes } = this.#sharedOf(event);
    return Buffer.byteLength(event.fields) + otherBytes + (hasMessage ? messageBytes : 0);
  }

  #sharedOf({ correlationId, attempt }: StoredEvent): AttemptJson {
    const shared = this.#shared;
    if (shared?.correlationId === correlationId && shared.attempt === attempt) return shared;
    const { thread, runs } = this.#page;
    return (this.#shared = sharedJson(thread, runs.get(correlationId), correlationId, attempt));
  }
}

/** The events of a page as pieces of a JSON array in UTF-8. One string of everything would be copied several times. */
export function* jsonArrayPieces(page: EventsWithRuns, messages: MessageRepetition): Generator<Uint8Array> {
  const json = new EventJson(page);
  const seen = new Set<string>();
  let piece = '[';
  for (const [index, event] of page.events.entries()) {
    const hasMessage = messages === 'each' || !seen.has(event.correlationId);
    seen.add(event.correlationId);
    piece += index === 0 ? json.textOf(event, hasMessage) : `,${json.textOf(event, hasMessage)}`;
    if (piece.length < PIECE_CHARS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(`${piece}]`);
}

const framesOfPages = new WeakMap<CallbackEventPage, EventFrames>();

/** The events of a page as server-sent events. Each is made once for all readers that get the same page. */
export class EventFrames {
  readonly #page: CallbackEventPage;
  readonly #json: EventJson;
  readonly #withMessage: Uint8Array[] = [];
  readonly #withoutMessage: Uint8Array[] = [];

  private constructor(page: CallbackEventPage) {
    this.#page = page;
    this.#json = new EventJson(page);
  }

  static of(page: CallbackEventPage): EventFrames {
    const known = framesOfPages.get(page);
    if (known !== undefined) return known;
    const frames = new EventFrames(page);
    framesOfPages.set(page, frames);
    return frames;
  }

  /** @param index of the event in the page */
  frameOf(event: StoredEvent, index: number, hasMessage: boolean): Uint8Array {
    const frames = hasMessage ? this.#withMessage : this.#withoutMessage;
    // `id` is the cursor after the event. JSON contains no raw line break, so nothing in it can end the frame.
    return (frames[index] ??= Buffer.from(
      `id: ${formatCursor({ ...this.#page.next, sequence: event.sequence })}\n` +
        `event: ${event.eventType}\ndata: ${this.#json.textOf(event, hasMessage)}\n\n`,
    ));
  }
}

function membersOf(fields: Readonly<Record<string, string>>): string {
  return `",${JSON.stringify(fields).slice(1, -1)},`;
}

function sharedJson(
  { agentName, threadId }: EventThread,
  run: RecordedRun | undefined,
  correlationId: string,
  attempt: number,
): AttemptJson {
  const common = { agent_name: agentName, thread_id: threadId, correlation_id: correlationId };
  const lostEvents = run?.attempts.find((candidate) => candidate.attempt === attempt)?.lostEvents ?? 0;
  const stream = `,"run_started_at":${JSON.stringify(run?.acceptedAt ?? '')},"attempt":${attempt},"sequence":`;
  const last = lostEvents > 0 ? stream.replace(/"sequence":$/, `"lost_events":${lostEvents},"sequence":`) : stream;
  const withMessage = membersOf({ ...common, request_message: run?.requestMessage ?? '' });
  const withoutMessage = membersOf(common);
  return {
    correlationId,
    attempt,
    withMessage,
    withoutMessage,
    messageBytes: Buffer.byteLength(withMessage) - Buffer.byteLength(withoutMessage),
    otherBytes: Buffer.byteLength(withoutMessage) + last.length + MAX_FRAMING_BYTES,
    tail: { stream, final: last, failed: last },
  };
}

import { formatCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { RecordedRun } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';

/** Which events carry the message of their run: all, or only the first event of each run in a response. */
export type MessageRepetition = 'each' | 'once';

export type EventsWithRuns = Pick<CallbackEventPage, 'thread' | 'events' | 'runs'>;

/** JSON fragments shared by the events of one attempt. */
interface AttemptJson {
  readonly correlationId: string;
  readonly attempt: number;
  readonly withMessage: string;
  readonly withoutMessage: string;
  /** Bytes that `withMessage` adds. `otherBytes` covers everything else except the event's own fields. */
  readonly messageBytes: number;
  readonly otherBytes: number;
  readonly tail: Readonly<Record<StoredEvent['eventType'], string>>;
}

/** For an event's timestamp, sequence and punctuation. */
const MAX_FRAMING_BYTES = 60;
const PIECE_CHARS = 64 * 1024;

/**
 * Serializes events together with the fields of their runs; see `CallbackEvent`. Concatenates strings, because the
 * events' own fields are long and already JSON. Fastest if events of an attempt are adjacent.
 */
export class EventJson {
  readonly #page: Omit<EventsWithRuns, 'events'>;
  #shared: AttemptJson | undefined;

  constructor(page: Omit<EventsWithRuns, 'events'>) {
    this.#page = page;
  }

  /** @param hasMessage - whether to include the field `request_message` */
  textOf(event: StoredEvent, hasMessage = true): string {
    const shared = this.#sharedOf(event);
    const head = hasMessage ? shared.withMessage : shared.withoutMessage;
    return `{"timestamp":"${event.timestamp}${head}${event.fields}${shared.tail[event.eventType]}${event.sequence}}`;
  }

  /** Returns an upper bound for the size in UTF-8, at most 60 bytes too large. */
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

/** Serializes a page as a JSON array, in chunks of UTF-8. A single string would be copied several times. */
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

/** Serializes a page as server-sent events. Creates each frame once for all readers of the same page. */
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

  /** @param index - position of the event in the page */
  frameOf(event: StoredEvent, index: number, hasMessage: boolean): Uint8Array {
    const frames = hasMessage ? this.#withMessage : this.#withoutMessage;
    // `id` is the cursor after the event. JSON contains no raw line breaks, so no content can end the frame.
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
    tail: { stream, approval: stream, final: last, failed: last },
  };
}

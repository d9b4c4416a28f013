import { createParser, type EventSourceMessage, type ParseError } from 'eventsource-parser';
import { AgentError } from '../durable-agents/index.js';
import { isDeeperThan } from '../functions/is-deeper-than.js';
import { isRecord } from './is-record.js';
import { malformed } from './model-answer.js';
import { errorIn } from './model-failure.js';

const MAX_LINE_CHARS = 1024 * 1024;
/** Maximum number of lines that are no field of an event. The parser is slow on them. */
const MAX_STRAY_LINES = 1000;
/** Maximum levels of objects and lists in the JSON of an answer. */
const MAX_LEVELS = 1000;
/** Texts that endpoints and gateways send in `data:` lines as keep-alives, also quoted. The text may also be empty. */
const KEEP_ALIVE = /^(null$|""$|:|"?\[?(ping|keep-?alive|heartbeat)\b)/i;

/** Receives the events of a stream. */
export interface EventSink {
  /** Called with each chunk. */
  add(chunk: Readonly<Record<string, unknown>>): void;
  /** Called with an error that the endpoint sends instead of a chunk. */
  fail(error: unknown): void;
}

/** Reads server-sent events of chat completions, cut into any pieces and in the dialects of different endpoints. */
export class EventReader {
  readonly #sink: EventSink;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    maxBufferSize: MAX_LINE_CHARS,
    onEvent: (event) => this.#take(event),
    onError: (error) => this.#takeProblem(error),
  });
  #isDone = false;
  #hasPendingCr = false;
  #strayLines = 0;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** Whether `[DONE]` has arrived. Anything after it is ignored. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Reads a piece of the stream. @throws AgentError for unreadable input, and any error of the sink */
  feed(bytes: Uint8Array): void {
    this.#parser.feed(this.#withLineFeeds(this.#decoder.decode(bytes, { stream: true })));
  }

  /** Call at the end of the stream. An event without its final blank line still counts. */
  end(): void {
    if (!this.#isDone) this.#parser.feed('\n\n');
  }

  /** Converts all line ends to LF: the parser takes quadratic time to find others. */
  #withLineFeeds(piece: string): string {
    const text = this.#hasPendingCr && piece.startsWith('\n') ? piece.slice(1) : piece;
    if (piece !== '') this.#hasPendingCr = piece.endsWith('\r');
    return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
  }

  #takeProblem({ type, field = '', value = '' }: ParseError): void {
    if (type === 'max-buffer-size-exceeded') {
      throw new AgentError('answer_too_large', `The model sent a line of more than ${MAX_LINE_CHARS} characters.`);
    }
    if (type !== 'unknown-field') return;
    // Gateways indent lines or put a byte order mark before them.
    if (/^data$/i.test(field.trim())) return this.#take({ event: undefined, data: value });
    this.#strayLines += 1;
    if (this.#strayLines > MAX_STRAY_LINES) throw malformed('too many lines are no server-sent events');
  }

  #take({ event, data: rawData }: Pick<EventSourceMessage, 'event' | 'data'>): void {
    if (this.#isDone) return;
    const data = rawData.trim();
    if (data.startsWith('[DONE]')) {
      this.#isDone = true;
      return;
    }
    if (data === '' || KEEP_ALIVE.test(data)) return;
    const isNamed = event !== undefined && event !== 'message' && event !== 'error';
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch {
      if (event === 'error') this.#sink.fail(data);
      if (isNamed || event === 'error') return;
      // Some servers send no blank lines between events, so that all lines are one event.
      const lines = data.split('\n');
      if (lines.length > 1) return lines.forEach((line) => this.#take({ event, data: line }));
      // Leaves out the SyntaxError, which quotes the model's text.
      throw malformed('an event is not JSON');
    }
    if (!isRecord(chunk)) {
      if (isNamed) return;
      throw malformed('an event is not a JSON object');
    }
    assertShallow(data, chunk);
    if (event === 'error') this.#sink.fail(chunk['error'] ?? chunk);
    const error = isNamed ? chunk['error'] : errorIn(chunk);
    if (error) this.#sink.fail(error);
    else if (!isNamed || chunk['choices'] !== undefined) this.#sink.add(chunk);
  }
}

/**
 * Checks that the JSON of a text is not nested so deeply that it cannot be written again.
 *
 * @throws AgentError if it is
 */
export function assertShallow(text: string, json: unknown): void {
  // Each level takes a character, so short texts need no check.
  if (text.length > MAX_LEVELS && isDeeperThan(MAX_LEVELS, json)) throw malformed('its JSON is nested too deeply');
}

import { setImmediate } from 'node:timers/promises';
import { AgentError, type AgentTextUpdate } from '../durable-agents/index.js';
import { assertShallow, EventReader } from './event-reader.js';
import { isRecord } from './is-record.js';
import { answerTooLarge, type EndOfAnswer, malformed, ModelAnswer } from './model-answer.js';
import { type ErrorQuoting, streamError } from './model-error.js';
import { errorIn } from './model-failure.js';
import { readAtMost } from './read-at-most.js';
import type { SilenceWatch } from './silence-watch.js';

/** Maximum size of the JSON around the text of a whole answer. */
const MAX_ENVELOPE_BYTES = 1024 * 1024;
/** Pieces of this size can arrive faster than they are read. */
const LARGE_PIECE_BYTES = 16 * 1024;
/** How long to wait for the end of the body, so that the connection can be reused. */
const LINGER_MS = 1000;
/** What some gateways append to a whole answer. */
const DONE_MARK = /data:\s*\[DONE\]\s*$/;

const BLANK_BYTES: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n\uFEFF'));
/** First characters of a comment and of the fields `data`, `event`, `id` and `retry`. */
const EVENT_STARTS = ':deir';

/** The content of a body: a stream of events, a whole answer, or a web page. */
type BodyKind = 'events' | 'whole' | 'page';

export interface AnswerReaderOptions {
  readonly maxAnswerBytes: number;
  readonly quoting: ErrorQuoting;
  readonly silence: SilenceWatch;
  /**
   * Whether the request asked for a stream. Endpoints do not always comply, so the body decides how to read it.
   */
  readonly streaming: boolean;
}

/** Reads the answer of a model from its HTTP response, streamed or whole. */
export class AnswerReader {
  readonly #options: AnswerReaderOptions;
  readonly #answer: ModelAnswer;
  readonly #events: EventReader;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #contentType: string;
  /** Known from the first visible character. */
  #bodyKind: BodyKind | undefined;
  #hasEnded = false;
  /** A failure. Parts that arrived before it are returned first; the next call throws it. */
  #failure: unknown;

  constructor(response: Response, options: AnswerReaderOptions) {
    this.#options = options;
    this.#answer = new ModelAnswer(options.maxAnswerBytes, options.quoting.redact);
    const fail = (error: unknown): never => {
      throw streamError(error, this.#answer.hasBegun, options.quoting);
    };
    this.#events = new EventReader({ add: (chunk) => this.#answer.add(chunk), fail });
    this.#contentType = response.headers.get('content-type') ?? '';
    this.#reader = response.body?.getReader();
  }

  /**
   * Waits for the next parts. Returns `undefined` at the end of the answer.
   *
   * @throws AgentError if the response is not an answer of a model
   */
  async read(): Promise<readonly AgentTextUpdate[] | undefined> {
    if (this.#hasEnded) return undefined;
    if (this.#reader !== undefined) return this.#readNext(this.#reader);
    this.#hasEnded = true;
    return this.#answer.takeParts();
  }

  /** @throws AgentError, as {@link ModelAnswer.finish} does */
  finish(): EndOfAnswer {
    return this.#answer.finish();
  }

  /** See {@link ModelAnswer.id} and {@link ModelAnswer.model}. */
  get source(): Pick<ModelAnswer, 'id' | 'model'> {
    return this.#answer;
  }

  /** Releases the connection. */
  release(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    // A failed body cannot be cancelled and needs no cancelling.
    const cancel = (): void => void reader.cancel().catch(() => undefined);
    if (!this.#events.isDone) {
      cancel();
      return;
    }
    const timer = setTimeout(cancel, LINGER_MS).unref();
    void this.#linger(reader, timer, cancel);
  }

  async #linger(reader: ReadableStreamDefaultReader, timer: NodeJS.Timeout, cancel: () => void): Promise<void> {
    try {
      if (!(await reader.read()).done) cancel();
    } catch {
      // The answer is complete; how its connection ends does not matter.
    } finally {
      clearTimeout(timer);
    }
  }

  async #readNext(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<readonly AgentTextUpdate[]> {
    const { silence } = this.#options;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const { done, value } = await silence.during(reader.read());
      silence.heard();
      // Otherwise a flood of pieces would keep other requests waiting.
      if (value !== undefined && value.length >= LARGE_PIECE_BYTES) await setImmediate();
      this.#hasEnded = done;
      try {
        if (done) this.#events.end();
        else await this.#readPiece(value, reader);
      } catch (error) {
        this.#failure = error;
        this.#hasEnded = false;
      }
      this.#hasEnded ||= this.#events.isDone;
    } catch (error) {
      // After `finish_reason` only usage can follow, unless a delayed filter withdraws the answer.
      const isFatal = error instanceof AgentError && ['content_filter', 'answer_too_large'].includes(error.code);
      if (!this.#answer.isFinishing || isFatal) throw error;
      this.#hasEnded = true;
    }
    if (this.#answer.isFinishing) silence.finishing();
    else if (this.#answer.hasBegun) silence.begun();
    return this.#answer.takeParts();
  }

  async #readPiece(bytes: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    this.#bodyKind ??= bodyKindOf(bytes, this.#contentType);
    if (this.#bodyKind === 'page') {
      throw new AgentError('endpoint_not_found', 'A web page answers for the model. Check AZURE_OPENAI_ENDPOINT.');
    }
    if (this.#bodyKind === 'whole') {
      await this.#readWhole(bytes, reader);
      this.#hasEnded = true;
    } else {
      this.#events.feed(bytes);
    }
  }

  async #readWhole(first: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { maxAnswerBytes, silence, streaming, quoting } = this.#options;
    // JSON escapes characters, so a text may be twice as long.
    const maxBytes = 2 * maxAnswerBytes + MAX_ENVELOPE_BYTES;
    const { text, isCut } = await silence.during(readAtMost(reader, maxBytes, first));
    if (isCut) throw answerTooLarge(maxAnswerBytes);
    let completion: unknown;
    try {
      completion = JSON.parse(text.replace(DONE_MARK, ''));
    } catch {
      // Leaves out the SyntaxError, which quotes the model's text.
      throw malformed('the answer is not JSON');
    }
    if (!isRecord(completion)) throw malformed('the answer is not a JSON object');
    assertShallow(text, completion);
    const error = errorIn(completion);
    if (error !== undefined) throw streamError(error, false, quoting);
    this.#answer.add(completion);
    if (!this.#answer.isFinishing && !this.#answer.hasBegun) {
      throw new AgentError('empty_response', 'The model answered without any content.', {
        ...(streaming && { recovery: 'retry-without-streaming' }),
      });
    }
  }
}

/**
 * Returns what a body holds. Its first character tells, because servers and gateways send wrong content types.
 *
 * @returns `undefined` if the bytes are blank
 */
function bodyKindOf(bytes: Uint8Array, contentType: string): BodyKind | undefined {
  // Three of the bytes are a byte order mark.
  const first = bytes.find((byte) => !BLANK_BYTES.has(byte));
  if (first === undefined) return undefined;
  const character = String.fromCharCode(first);
  if (character === '{') return 'whole';
  if (character === '<') return 'page';
  if (EVENT_STARTS.includes(character)) return 'events';
  if (contentType.includes('json')) return 'whole';
  return contentType.includes('html') ? 'page' : 'events';
}

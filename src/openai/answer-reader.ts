import { AgentError, type AgentTextUpdate } from '../durable-agents/index.js';
import { EventReader } from './event-reader.js';
import { isRecord } from './is-record.js';
import { answerTooLarge, type EndOfAnswer, malformed, ModelAnswer } from './model-answer.js';
import { type ErrorQuoting, streamError } from './model-error.js';
import { readAtMost } from './read-at-most.js';
import type { SilenceWatch } from './silence-watch.js';

/** Maximum size of the JSON around the text of a whole answer. */
const MAX_ENVELOPE_BYTES = 1024 * 1024;
/** How long to wait for the end of the body, so that the connection can be reused. */
const LINGER_MS = 1000;

export interface AnswerReaderOptions {
  readonly maxAnswerBytes: number;
  readonly quoting: ErrorQuoting;
  readonly silence: SilenceWatch;
  /**
   * Whether the request asked for a stream. Endpoints do not always comply, so the content type decides how to read.
   */
  readonly streaming: boolean;
}

/** Reads the answer of a model from its HTTP response, streamed or whole. */
export class AnswerReader {
  readonly #options: AnswerReaderOptions;
  readonly #answer: ModelAnswer;
  readonly #events: EventReader;
  /** Reads a stream. `undefined` for a whole answer. */
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #whole: ReadableStream<Uint8Array> | undefined;
  #hasEnded = false;
  /** A failure. Parts that arrived before it are returned first; the next call throws it. */
  #failure: unknown;

  /** @throws AgentError if the response is not an answer of a model */
  constructor(response: Response, options: AnswerReaderOptions) {
    this.#options = options;
    this.#answer = new ModelAnswer(options.maxAnswerBytes, options.quoting.redact);
    const fail = (error: unknown): never => {
      throw streamError(error, this.#answer.hasBegun, options.quoting);
    };
    this.#events = new EventReader({ add: (chunk) => this.#answer.add(chunk), fail });
    const type = response.headers.get('content-type') ?? '';
    if (type.includes('json')) this.#whole = response.body ?? undefined;
    else this.#reader = response.body?.getReader();
    if (type.includes('html')) {
      this.release();
      throw new AgentError('endpoint_not_found', 'A web page answers for the model. Check AZURE_OPENAI_ENDPOINT.');
    }
  }

  /** Waits for the next parts. Returns `undefined` at the end of the answer. */
  async read(): Promise<readonly AgentTextUpdate[] | undefined> {
    if (this.#hasEnded) return undefined;
    if (this.#reader !== undefined) return this.#readEvents(this.#reader);
    this.#hasEnded = true;
    if (this.#whole !== undefined) await this.#readWhole(this.#whole);
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

  async #readEvents(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<readonly AgentTextUpdate[] | undefined> {
    const { silence } = this.#options;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const { done, value } = await silence.during(reader.read());
      silence.heard();
      this.#hasEnded = done;
      try {
        if (done) this.#events.end();
        else this.#events.feed(value);
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

  async #readWhole(body: ReadableStream<Uint8Array>): Promise<void> {
    const { maxAnswerBytes, silence, streaming, quoting } = this.#options;
    // JSON escapes characters, so a text may be twice as long.
    const { text, isCut } = await silence.during(readAtMost(body, 2 * maxAnswerBytes + MAX_ENVELOPE_BYTES));
    if (isCut) throw answerTooLarge(maxAnswerBytes);
    let completion: unknown;
    try {
      completion = JSON.parse(text);
    } catch {
      // Leaves out the SyntaxError, which quotes the model's text.
      throw malformed('the answer is not JSON');
    }
    if (!isRecord(completion)) throw malformed('the answer is not a JSON object');
    if (completion['error']) throw streamError(completion['error'], false, quoting);
    this.#answer.add(completion);
    if (!this.#answer.isFinishing && !this.#answer.hasBegun) {
      throw new AgentError('empty_response', 'The model answered without any content.', {
        ...(streaming && { recovery: 'retry-without-streaming' }),
      });
    }
  }
}

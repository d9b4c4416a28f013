import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { eventually } from './eventually.js';
import { callbackEventsOf, SseEvents } from './sse-events.js';

export interface SseCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A reader of server-sent events that can leave, or stop reading, at any byte. */
export class SseConnection {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Resolves when the answer has ended, in order or not. */
  readonly ended: Promise<void>;
  readonly #request: ClientRequest;
  readonly #answer: IncomingMessage;
  readonly #read = new SseEvents();
  #text = '';

  private constructor(request: ClientRequest, answer: IncomingMessage) {
    this.#request = request;
    this.#answer = answer;
    this.status = answer.statusCode ?? 0;
    this.headers = answer.headers;
    this.ended = new Promise((resolve) => {
      answer.on('close', resolve);
    });
    // An answer that is cut ends like one that is whole: its events tell the difference.
    answer.on('error', () => undefined);
    answer.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#read.feed(chunk);
    });
  }

  /** Resolves with the head of the answer. */
  static open(url: string, { method = 'GET', headers = {}, body }: SseCall = {}): Promise<SseConnection> {
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers: { accept: 'text/event-stream', ...headers }, agent: false });
      request.on('error', reject);
      request.on('response', (answer) => resolve(new SseConnection(request, answer)));
      request.end(body);
    });
  }

  /** What came so far, whole events only. */
  get received(): SseEvents {
    return this.#read;
  }

  get events(): CallbackEvent[] {
    return callbackEventsOf(this.#read.events);
  }

  /** The names of all events so far. */
  get names(): (string | undefined)[] {
    return this.#read.events.map(({ event }) => event);
  }

  /** All that came so far, byte for byte. */
  get text(): string {
    return Buffer.from(this.#text, 'latin1').toString();
  }

  /** Waits until `isThere` holds for what has come. */
  async until(isThere: (connection: this) => boolean): Promise<void> {
    await eventually(
      () => {
        if (!isThere(this))
          throw new Error(`Not there yet: ${this.names.length} events, the last: ${this.text.slice(-300)}`);
      },
      { intervalMs: 5 },
    );
  }

  stopReading(): void {
    this.#answer.pause();
  }

  /** Goes away without a word. */
  leave(): void {
    this.#request.destroy();
  }
}

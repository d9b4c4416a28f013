import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { eventually } from './eventually.js';
import { callbackEventsOf, SseEvents } from './sse-events.js';

export interface SseCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A reader of server-sent events that can disconnect or stop reading at any byte. */
export class SseConnection {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Resolves when the answer has ended, cleanly or not. */
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
    // A cut response ends like a complete one. Tests distinguish them by their events.
    answer.on('error', () => undefined);
    answer.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#read.feed(chunk);
    });
  }

  /** Resolves when status and headers of the answer arrive. */
  static open(url: string, { method = 'GET', headers = {}, body }: SseCall = {}): Promise<SseConnection> {
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers: { accept: 'text/event-stream', ...headers }, agent: false });
      request.on('error', reject);
      request.on('response', (answer) => resolve(new SseConnection(request, answer)));
      request.end(body);
    });
  }

  /** The complete events so far. */
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

  /** The complete text so far, including partial events. */
  get text(): string {
    return Buffer.from(this.#text, 'latin1').toString();
  }

  /** Waits until `isThere` holds for the received events. */
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

  /** Disconnects. */
  leave(): void {
    this.#request.destroy();
  }
}

import type { CallbackEvent, FinalEventFields, StreamEventFields } from '../../src/audit/domain/callback-event.js';
import { eventually, type Patience } from './eventually.js';
import { exchange, type HttpAnswer } from './http-exchange.js';
import { SseConnection } from './sse-connection.js';

const AGENT = 'CallbackAgent';

export interface RunCall {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agentName?: string;
}

/** The response of the run route after a run has completed. */
export interface AnsweredRun {
  readonly response: string;
  readonly message: string;
  readonly thread_id: string;
  readonly status: string;
  readonly correlation_id: string;
  readonly message_count: number;
}

/** A run as its route returns it. */
export interface RunView {
  readonly correlation_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly message: string;
  readonly response?: string;
  readonly error_code?: string;
}

/** A client for the app's HTTP API. */
export class AgentApi {
  readonly #baseUrl: string;
  readonly #keyHeader: Readonly<Record<string, string>>;

  constructor(baseUrl: string, functionKey?: string) {
    this.#baseUrl = baseUrl;
    this.#keyHeader = functionKey === undefined ? {} : { 'x-functions-key': functionKey };
  }

  call(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string | Uint8Array,
  ): Promise<HttpAnswer> {
    const lengthHeader =
      body === undefined || 'transfer-encoding' in headers
        ? undefined
        : { 'content-length': String(Buffer.byteLength(body)) };
    return exchange(this.#baseUrl, {
      method,
      path: `/api/${path}`,
      headers: { ...this.#keyHeader, ...lengthHeader, ...headers },
      ...(body !== undefined && { body }),
    });
  }

  /** Sends a request without a body to any path of the host, with only the given headers. */
  callHost(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    return exchange(this.#baseUrl, { method, path, headers });
  }

  /** Sends a body unchanged, without a content type unless `headers` contain one. */
  post(body: string | Uint8Array, { query = '', headers = {}, agentName = AGENT }: RunCall = {}): Promise<HttpAnswer> {
    return this.call('POST', `agents/${agentName}/run${query}`, headers, body);
  }

  /** Sends a JSON body. */
  run(fields: Readonly<Record<string, unknown>>, { headers, ...call }: RunCall = {}): Promise<HttpAnswer> {
    return this.post(JSON.stringify(fields), { ...call, headers: { 'content-type': 'application/json', ...headers } });
  }

  /** Sends a message and waits for its answer. */
  async ask(threadId: string, message: string): Promise<AnsweredRun> {
    const answer = await this.run({ message, thread_id: threadId });
    return okJson(answer);
  }

  callbacks(method: string, threadId: string, agentName = AGENT): Promise<HttpAnswer> {
    return this.call(method, `agents/${agentName}/callbacks/${encodeURIComponent(threadId)}`);
  }

  /** Reads a thread's events with these query parameters. */
  poll(threadId: string, query = '', headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.call('GET', `${eventsPath(threadId)}${query}`, headers);
  }

  /** Follows a thread. `query` includes its question mark. */
  stream(threadId: string, query = '', headers: Readonly<Record<string, string>> = {}): Promise<SseConnection> {
    const url = `${this.#baseUrl}/api/${eventsPath(threadId)}/stream${query}`;
    return SseConnection.open(url, { headers: { ...this.#keyHeader, ...headers } });
  }

  /** Starts a run and follows it. */
  streamRun(fields: Readonly<Record<string, unknown>>): Promise<SseConnection> {
    return SseConnection.open(`${this.#baseUrl}/api/agents/${AGENT}/run`, {
      method: 'POST',
      headers: { ...this.#keyHeader, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    });
  }

  /** Calls a runs route of a thread. `suffix` selects one run, or an action on it. */
  runs(method: string, threadId: string, suffix = '', agentName = AGENT): Promise<HttpAnswer> {
    return this.call(method, `agents/${agentName}/threads/${encodeURIComponent(threadId)}/runs${suffix}`);
  }

  /** The record of a run. */
  async readRun(threadId: string, correlationId: string): Promise<RunView> {
    return okJson(await this.runs('GET', threadId, `/${correlationId}`));
  }

  async events(threadId: string): Promise<CallbackEvent[]> {
    const answer = await this.callbacks('GET', threadId);
    return okJson(answer);
  }

  /** A thread's events after the given number of its runs have ended. */
  eventsOfEndedRuns(threadId: string, runCount: number, patience?: Patience): Promise<CallbackEvent[]> {
    return eventually(async () => {
      const events = await this.events(threadId);
      const ended = events.filter(({ event_type: type }) => type !== 'stream').length;
      if (ended < runCount) throw new Error(`${ended} of ${runCount} runs have ended`);
      return events;
    }, patience);
  }
}

function eventsPath(threadId: string): string {
  return `agents/${AGENT}/callbacks/${encodeURIComponent(threadId)}`;
}

/** The JSON of an answer. @throws Error unless its status is 200 */
function okJson({ status, text }: HttpAnswer) {
  if (status !== 200) throw new Error(`Expected status 200, got ${status}: ${text}`);
  return JSON.parse(text);
}

let threadCount = 0;

/** A new thread id, unique across test runs against the same host. */
export function newThreadId(): string {
  threadCount += 1;
  return `test-${process.pid}-${Date.now().toString(36)}-${threadCount}`;
}

export function streamEvents(events: readonly CallbackEvent[]): (StreamEventFields & CallbackEvent)[] {
  return events.filter((event) => event.event_type === 'stream');
}

export function finalEvents(events: readonly CallbackEvent[]): (FinalEventFields & CallbackEvent)[] {
  return events.filter((event) => event.event_type === 'final');
}

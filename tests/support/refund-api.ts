import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { AgentApi, type RunCall } from './agent-api.js';
import { eventually } from './eventually.js';
import type { HttpAnswer } from './http-exchange.js';
import { SseConnection } from './sse-connection.js';

const agentName = 'RefundAgent';
const json = { 'content-type': 'application/json' };

/** A run that waits for approval, as its caller sees it. */
export interface WaitingAnswer {
  readonly status: string;
  readonly correlation_id: string;
  readonly approvals: readonly { readonly approval_id: string; readonly [key: string]: unknown }[];
}

/** The part of the API that concerns approvals, as a client of `RefundAgent` uses it. */
export class RefundApi {
  readonly #baseUrl: string;
  readonly #api: AgentApi;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
    this.#api = new AgentApi(baseUrl);
  }

  run(threadId: string, fields: object, call: RunCall = {}): Promise<HttpAnswer> {
    return this.#api.run({ thread_id: threadId, ...fields }, { ...call, agentName });
  }

  /** Asks for a refund. Its run then waits for approval. */
  async askForRefund(threadId: string, message = 'Please refund order A-1001.'): Promise<WaitingAnswer> {
    const { status, text } = await this.run(threadId, { message });
    if (status !== 202) throw new Error(`Expected status 202, got ${status}: ${text}`);
    return JSON.parse(text);
  }

  decide(threadId: string, approvalId: string, decision: object): Promise<HttpAnswer> {
    return this.#inThread('POST', threadId, `/approvals/${approvalId}`, JSON.stringify(decision));
  }

  cancel(threadId: string, correlationId: string): Promise<HttpAnswer> {
    return this.#inThread('POST', threadId, `/runs/${correlationId}/cancel`);
  }

  delete(threadId: string): Promise<HttpAnswer> {
    return this.#inThread('DELETE', threadId);
  }

  async approvals(threadId: string) {
    return JSON.parse((await this.#inThread('GET', threadId, '/approvals')).text).approvals;
  }

  async readRun(threadId: string, correlationId: string) {
    return JSON.parse((await this.#inThread('GET', threadId, `/runs/${correlationId}`)).text);
  }

  async events(threadId: string): Promise<CallbackEvent[]> {
    return JSON.parse((await this.#api.callbacks('GET', threadId, agentName)).text);
  }

  async listedThreads() {
    return JSON.parse((await this.#api.call('GET', `agents/${agentName}/threads`)).text);
  }

  /** The run, once it has this status. */
  runWithStatus(threadId: string, correlationId: string, status: string) {
    return eventually(async () => {
      const run = await this.readRun(threadId, correlationId);
      if (run.status !== status) throw new Error(`The run is ${JSON.stringify(run)}`);
      return run;
    });
  }

  /** Starts a run and follows it. */
  streamRun(threadId: string, message: string): Promise<SseConnection> {
    return SseConnection.open(`${this.#baseUrl}/api/agents/${agentName}/run`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ thread_id: threadId, message }),
    });
  }

  /** Follows the events of a thread. */
  stream(threadId: string, query = ''): Promise<SseConnection> {
    return SseConnection.open(`${this.#baseUrl}/api/agents/${agentName}/callbacks/${threadId}/stream${query}`);
  }

  #inThread(method: string, threadId: string, rest = '', body?: string): Promise<HttpAnswer> {
    return this.#api.call(method, `agents/${agentName}/threads/${threadId}${rest}`, json, body);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import type { ThreadState } from '../../src/durable-agents/index.js';
import type { AcceptedRun } from './check-thread.js';

/** A host answers in this time, or a test names the request that hangs. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A thread as a host serves it at one moment. */
export class ThreadView {
  readonly threadId: string;
  /** The events that readers see. */
  readonly visibleJson: string;
  /** The events of all attempts, as for an audit. */
  readonly allJson: string;
  readonly visible: readonly CallbackEvent[];
  readonly all: readonly CallbackEvent[];
  /** The conversation, as the entity has committed it. */
  readonly state: ThreadState | undefined;

  constructor(threadId: string, visibleJson: string, allJson: string, state: ThreadState | undefined) {
    this.threadId = threadId;
    this.visibleJson = visibleJson;
    this.allJson = allJson;
    this.visible = JSON.parse(visibleJson);
    this.all = JSON.parse(allJson);
    this.state = state;
  }

  /** The number of a run's latest attempt. */
  attemptOf(correlationId: string): number {
    const attempts = this.all.filter((event) => event.correlation_id === correlationId).map(({ attempt }) => attempt);
    return Math.max(0, ...attempts);
  }
}

/** A request that a host does not answer. */
export class RequestTimeout extends Error {}

/** The part of a host's HTTP API that the crash tests use. */
export class ThreadApi {
  readonly #baseUrl: string;
  readonly #agentName: string;

  constructor(baseUrl: string, agentName = 'CallbackAgent') {
    this.#baseUrl = baseUrl;
    this.#agentName = agentName;
  }

  /** Sends a message without waiting for its answer. */
  async accept(threadId: string, message: string): Promise<AcceptedRun> {
    const { status, text } = await this.#fetch(`/api/agents/${this.#agentName}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message, thread_id: threadId, wait_for_response: false }),
    });
    if (status !== 202) throw new Error(`Expected 202, got ${status}: ${text}`);
    const accepted: { correlation_id: string } = JSON.parse(text);
    return { threadId, correlationId: accepted.correlation_id, message };
  }

  async view(threadId: string): Promise<ThreadView> {
    const events = `/api/agents/${this.#agentName}/callbacks/${threadId}`;
    const visible = await this.#get(events);
    const all = await this.#get(`${events}?superseded=true`);
    return new ThreadView(threadId, visible, all, await this.#stateOf(threadId));
  }

  /** @returns the status of the answer */
  async cancel({ threadId, correlationId }: AcceptedRun): Promise<number> {
    return this.#send('POST', `/api/agents/${this.#agentName}/threads/${threadId}/runs/${correlationId}/cancel`);
  }

  /** @returns the status of the answer */
  async delete(threadId: string): Promise<number> {
    return this.#send('DELETE', `/api/agents/${this.#agentName}/threads/${threadId}`);
  }

  async statusOf({ threadId, correlationId }: AcceptedRun): Promise<string> {
    return JSON.parse(await this.#get(`/api/agents/${this.#agentName}/threads/${threadId}/runs/${correlationId}`))
      .status;
  }

  /** Ids of the pending approvals. */
  async openApprovals(threadId: string): Promise<string[]> {
    const text = await this.#get(`/api/agents/${this.#agentName}/threads/${threadId}/approvals`);
    const { approvals }: { approvals: { approval_id: string; state: string }[] } = JSON.parse(text);
    return approvals.filter(({ state }) => state === 'requested').map(({ approval_id: id }) => id);
  }

  /** @returns the status of the answer */
  async approve(threadId: string, approvalId: string): Promise<number> {
    const path = `/api/agents/${this.#agentName}/threads/${threadId}/approvals/${approvalId}`;
    return this.#send('POST', path, { approved: true });
  }

  /** Lists the remains of a deleted thread. Empty if there are none. */
  async remains(threadId: string): Promise<string[]> {
    const { all, state } = await this.view(threadId);
    const runs: unknown[] = JSON.parse(await this.#get(`/api/agents/${this.#agentName}/threads/${threadId}/runs`));
    const listed: unknown[] = JSON.parse(await this.#get(`/api/agents/${this.#agentName}/threads?q=${threadId}`));
    return [
      ...(all.length > 0 ? [`${all.length} events`] : []),
      ...(state === undefined ? [] : ['a conversation']),
      ...(runs.length > 0 ? [`${runs.length} run records`] : []),
      ...(listed.length > 0 ? ['a list entry'] : []),
    ].map((what) => `${threadId} was deleted but still has ${what}`);
  }

  /** The thread once `runCount` runs have ended and are committed, or after `withinMs`. */
  async settled(threadId: string, runCount: number, withinMs: number): Promise<ThreadView> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const isOver = Date.now() > deadline;
      // Reading all events is expensive for the store, so the conversation comes first.
      const isCommitted = ((await this.#stateOf(threadId))?.data.conversationHistory.length ?? 0) >= 2 * runCount;
      if (isCommitted || isOver) {
        const view = await this.view(threadId);
        const ended = view.visible.filter(({ event_type: type }) => type === 'final' || type === 'failed');
        // The caller checks for runs that never end.
        if (ended.length >= runCount || isOver) return view;
      }
      await delay(100);
    }
  }

  /** The conversation, as the entity has committed it. */
  async #stateOf(threadId: string): Promise<ThreadState | undefined> {
    const entity = `/runtime/webhooks/durabletask/entities/dafx-${this.#agentName.toLowerCase()}/${threadId}`;
    const state = await this.#get(entity, 404);
    return state === '' ? undefined : JSON.parse(state);
  }

  async #send(method: string, path: string, body?: unknown): Promise<number> {
    const content = body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const { status } = await this.#fetch(path, { method, ...content });
    return status;
  }

  async #get(path: string, empty?: number): Promise<string> {
    const { status, text } = await this.#fetch(path);
    if (status === empty) return '';
    if (status !== 200) throw new Error(`GET ${path}: expected 200, got ${status}: ${text}`);
    return text;
  }

  /** @throws RequestTimeout */
  async #fetch(path: string, init: RequestInit = {}): Promise<{ readonly status: number; readonly text: string }> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const answer = await fetch(`${this.#baseUrl}${path}`, { ...init, signal });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new RequestTimeout(`${init.method ?? 'GET'} ${path} took longer than ${REQUEST_TIMEOUT_MS} ms`);
    }
  }
}

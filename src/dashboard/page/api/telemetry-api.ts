import type { AgentStats } from './agent-stats.js';
import { ApiError } from './api-error.js';
import type { Approval, Decision } from './approval.js';
import type { AppHealth } from './app-health.js';
import type { RunRecord } from './run-record.js';
import { nextCursorOf } from './next-cursor-of.js';
import { readEventPages } from './read-event-pages.js';
import type { TelemetryEvent } from './telemetry-event.js';
import { eventsPathOf, runPathOf, threadPathOf } from './thread-paths.js';
import type { EventPage, ThreadAddress, ThreadSource } from './thread-source.js';
import type { ConversationPage, StoredMessage } from './stored-message.js';
import type { ThreadFilter, ThreadSummary } from './thread-summary.js';

const REQUEST_TIMEOUT_MS = 30_000;
const THREADS_LIMIT = 100;

export interface TelemetryApiOptions {
  /** Address of the app's functions, with a trailing `/`. */
  readonly baseUrl: string;
  /** Returns the function key to send; `null` sends none. */
  readonly key: () => string | null;
}

export interface ThreadPage {
  readonly threads: readonly ThreadSummary[];
  /** Cursor of the next page; absent on the last page. */
  readonly cursor: string | undefined;
}

export interface AcceptedRun {
  readonly thread_id: string;
  readonly correlation_id: string;
}

/**
 * The app's HTTP API. Methods reject with an {@link ApiError} for an unsuccessful response, and with the error of
 * `fetch` if there is no response.
 */
export class TelemetryApi implements ThreadSource {
  readonly #baseUrl: string;
  readonly #key: () => string | null;

  constructor({ baseUrl, key }: TelemetryApiOptions) {
    this.#baseUrl = baseUrl;
    this.#key = key;
  }

  async readHealth(signal?: AbortSignal): Promise<AppHealth> {
    const read = async (path: string): Promise<Partial<AppHealth>> =>
      (await this.#fetch(path, { signal: inTime(signal) })).json();
    const health = await read('health');
    // If the app requires keys, only `health/details`, which requires one, lists the agents.
    return { agents: [], ...(health.agents === undefined ? await read('health/details') : health) };
  }

  /** @param sinceMs - length of the period up to now; `undefined` for all time */
  async readStats(agentName: string, sinceMs: number | undefined, signal?: AbortSignal): Promise<AgentStats> {
    const query = new URLSearchParams(sinceMs === undefined ? {} : { since: timeAgo(sinceMs) });
    const response = await this.#fetch(`agents/${encodeURIComponent(agentName)}/stats?${query}`, {
      signal: inTime(signal),
    });
    const stats: AgentStats = await response.json();
    return stats;
  }

  /** Returns threads of an agent, most recently active first. */
  async listThreads(
    agentName: string,
    { text, status, sinceMs }: ThreadFilter,
    cursor?: string,
    signal?: AbortSignal,
  ): Promise<ThreadPage> {
    const query = new URLSearchParams({
      limit: String(THREADS_LIMIT),
      ...(text !== '' && { q: text }),
      ...(status !== '' && { status }),
      ...(sinceMs !== undefined && { since: timeAgo(sinceMs) }),
      ...(cursor !== undefined && { cursor }),
    });
    const response = await this.#fetch(`agents/${encodeURIComponent(agentName)}/threads?${query}`, {
      signal: inTime(signal),
    });
    const threads: ThreadSummary[] = await response.json();
    return { threads, cursor: nextCursorOf(response) };
  }

  /** Returns the newest stored messages, or those before a cursor; `undefined` if nothing is stored. */
  async readConversation(
    thread: ThreadAddress,
    before: string | undefined,
    signal?: AbortSignal,
  ): Promise<ConversationPage | undefined> {
    const query = new URLSearchParams({ limit: '200', ...(before !== undefined && { before }) });
    const response = await this.#fetchKnown(`${threadPathOf(thread)}?${query}`, { signal: inTime(signal) });
    if (response === undefined) return undefined;
    const { messages }: { readonly messages: readonly StoredMessage[] } = await response.json();
    return { messages, before: nextCursorOf(response) };
  }

  /** Returns `undefined` if the app does not know the run. */
  async readRun(thread: ThreadAddress, correlationId: string, signal?: AbortSignal): Promise<RunRecord | undefined> {
    const response = await this.#fetchKnown(runPathOf(thread, correlationId), { signal: inTime(signal) });
    const run: RunRecord | undefined = await response?.json();
    return run;
  }

  async cancelRun(thread: ThreadAddress, correlationId: string): Promise<void> {
    await this.#fetch(`${runPathOf(thread, correlationId)}/cancel`, { method: 'POST' });
  }

  /** Returns the approvals of the waiting run; none if no run waits. */
  async readApprovals(thread: ThreadAddress, signal?: AbortSignal): Promise<readonly Approval[]> {
    const response = await this.#fetch(`${threadPathOf(thread)}/approvals`, { signal: inTime(signal) });
    const { approvals }: { readonly approvals: readonly Approval[] } = await response.json();
    return approvals;
  }

  async decide(thread: ThreadAddress, approvalId: string, decision: Decision): Promise<void> {
    await this.#fetch(`${threadPathOf(thread)}/approvals/${encodeURIComponent(approvalId)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(decision),
    });
  }

  /** Deletes a thread: its conversation, runs and events. */
  async deleteThread(thread: ThreadAddress): Promise<void> {
    await this.#fetch(threadPathOf(thread), { method: 'DELETE' });
  }

  readEvents(thread: ThreadAddress, after: string | undefined, signal?: AbortSignal): AsyncIterable<EventPage> {
    return this.#readPages(thread, after === undefined ? {} : { after }, signal);
  }

  /** Returns the events of all attempts, superseded ones included, of the thread or of one run. */
  async readAttempts(thread: ThreadAddress, correlationId?: string, signal?: AbortSignal): Promise<TelemetryEvent[]> {
    let events: TelemetryEvent[] = [];
    const filter = { superseded: 'true', ...(correlationId !== undefined && { correlation_id: correlationId }) };
    for await (const page of this.#readPages(thread, filter, signal)) {
      events = page.isReset ? [...page.events] : events.concat(page.events);
    }
    return events;
  }

  openStream(thread: ThreadAddress, after: string, signal: AbortSignal): Promise<Response> {
    const headers = { accept: 'text/event-stream', 'last-event-id': after };
    return this.#fetch(`${eventsPathOf(thread)}/stream`, { headers, signal, cache: 'no-store' });
  }

  /** Starts a run and returns as soon as the app accepts it. */
  async sendMessage({ agentName, threadId }: ThreadAddress, message: string): Promise<AcceptedRun> {
    const response = await this.#fetch(`agents/${encodeURIComponent(agentName)}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message, thread_id: threadId, wait_for_response: false }),
    });
    const accepted: AcceptedRun = await response.json();
    return accepted;
  }

  /** Deletes the events of a thread; its conversation stays. */
  async clear(thread: ThreadAddress): Promise<void> {
    await this.#fetch(eventsPathOf(thread), { method: 'DELETE' });
  }

  async export(thread: ThreadAddress, format: 'jsonl' | 'csv'): Promise<Blob> {
    const response = await this.#fetch(`${eventsPathOf(thread)}/export?format=${format}`, {});
    return response.blob();
  }

  #readPages(
    thread: ThreadAddress,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): AsyncIterable<EventPage> {
    return readEventPages((added) => {
      const path = `${eventsPathOf(thread)}?${new URLSearchParams({ request_message: 'once', ...added })}`;
      return this.#fetch(path, { signal: inTime(signal), cache: 'no-store' });
    }, query);
  }

  /** Returns `undefined` for a 404. */
  async #fetchKnown(path: string, options: FetchOptions): Promise<Response | undefined> {
    try {
      return await this.#fetch(path, options);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #fetch(path: string, { headers, signal, ...init }: FetchOptions): Promise<Response> {
    const key = this.#key();
    const response = await fetch(new URL(path, this.#baseUrl), {
      ...init,
      ...(signal !== undefined && { signal }),
      headers: { ...headers, ...(key !== null && { 'x-functions-key': key }) },
    });
    if (!response.ok) throw await ApiError.from(response);
    return response;
  }
}

type FetchOptions = Pick<RequestInit, 'method' | 'body' | 'cache'> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

function timeAgo(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

/** Adds a timeout, because a dead connection raises no error. */
function inTime(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

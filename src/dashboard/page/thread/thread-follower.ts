import { ApiError, describeFailure } from '../api/api-error.js';
import { readEventStream } from '../api/read-event-stream.js';
import { RequestMessages } from '../api/request-messages.js';
import type { ReceivedEvent, SupersededAttempt, TelemetryEvent } from '../api/telemetry-event.js';
import type { ThreadAddress, ThreadSource } from '../api/thread-source.js';
import { epochOf, type ThreadChange } from './thread-change.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 10_000;
/** A stream that is silent for this long is dead: the app sends a heartbeat every 15 seconds. */
const SILENCE_MS = 40_000;

/** Stored events are reported in large batches, because each batch is laid out as a whole. */
const CHANGES_AT_ONCE = 10_000;

/** State of the connection to the app. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'reconnecting'; readonly reason: string; readonly retryInMs: number }
  | { readonly state: 'stopped'; readonly reason: string; readonly status: number };

export interface ThreadFollowerOptions {
  readonly api: ThreadSource;
  readonly thread: ThreadAddress;
  readonly onChanges: (changes: readonly ThreadChange[]) => void;
  readonly onConnection: (connection: Connection) => void;
  readonly now?: () => number;
  /** First pause before reconnecting; later pauses grow. */
  readonly firstRetryMs?: number;
}

/**
 * Follows a thread until stopped: reads stored events in large pages, then the live stream. Resumes after the last event
 * when the stream ends or breaks.
 */
export class ThreadFollower {
  readonly #options: ThreadFollowerOptions;
  readonly #stop = new AbortController();
  readonly #now: () => number;
  #cursor: string | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ThreadFollowerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Resolves when stopped, or when the app rejects the thread or the key. */
  async run(): Promise<void> {
    const { onConnection, firstRetryMs = FIRST_RETRY_MS } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    onConnection({ state: 'connecting' });
    while (!signal.aborted) {
      const startedAtMs = this.#now();
      try {
        await this.#catchUp();
        await this.#readStream(() => {
          failures = 0;
          onConnection({ state: 'live' });
        });
        // The app ends every stream after a while. Pause only if this one ended immediately.
        if (this.#now() - startedAtMs < firstRetryMs) await this.#pause(firstRetryMs);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.isRefusal) {
          onConnection({ state: 'stopped', reason: error.message, status: error.status });
          return;
        }
        const backoffMs = Math.min(LONGEST_RETRY_MS, firstRetryMs * 1.6 ** failures) * (1 + Math.random() / 4);
        const retryInMs = Math.max(backoffMs, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0);
        failures += 1;
        onConnection({ state: 'reconnecting', reason: describeFailure(error), retryInMs });
        await this.#pause(retryInMs);
      }
    }
  }

  /** Reconnects immediately instead of waiting for the next retry. */
  retryNow(): void {
    this.#wake?.();
  }

  stop(): void {
    this.#stop.abort();
    this.#wake?.();
  }

  async #catchUp(): Promise<void> {
    const { api, thread } = this.#options;
    let changes: ThreadChange[] = [];
    try {
      for await (const page of api.readEvents(thread, this.#cursor, this.#stop.signal)) {
        if (page.isReset) changes.push({ type: 'reset' });
        changes = changes.concat(this.#toChanges(page.events, page.cursor));
        this.#cursor = page.cursor;
        if (changes.length < CHANGES_AT_ONCE) continue;
        this.#report(changes);
        changes = [];
      }
    } finally {
      this.#report(changes);
    }
  }

  async #readStream(onOpen: () => void): Promise<void> {
    const { api, thread } = this.#options;
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error('The app stopped sending data.')), SILENCE_MS);
    };
    heard();
    try {
      const signal = AbortSignal.any([this.#stop.signal, silence.signal]);
      const response = await api.openStream(thread, this.#cursor ?? '0', signal);
      onOpen();
      const requestMessages = new RequestMessages();
      for await (const messages of readEventStream(response)) {
        heard();
        const changes: ThreadChange[] = [];
        for (const { id, event: type, data } of messages) {
          if (type === 'superseded') {
            // Not an event: does not move the cursor.
            const { correlation_id: correlationId, attempt }: SupersededAttempt = JSON.parse(data);
            changes.push({ type, correlationId, attempt });
            continue;
          }
          if (type === 'reset') {
            changes.push({ type });
          } else if (type === 'stream' || type === 'final' || type === 'failed' || type === 'approval') {
            const event: ReceivedEvent = JSON.parse(data);
            changes.push(...this.#toChanges([requestMessages.restore(event)], id));
          }
          if (id !== undefined) this.#cursor = id;
        }
        this.#report(changes);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #toChanges(events: readonly TelemetryEvent[], cursor: string | undefined): ThreadChange[] {
    const epoch = cursor === undefined ? undefined : epochOf(cursor);
    const receivedAtMs = this.#now();
    return events.map((event) => ({ type: 'event', epoch, event, receivedAtMs }));
  }

  #report(changes: readonly ThreadChange[]): void {
    if (changes.length > 0 && !this.#stop.signal.aborted) this.#options.onChanges(changes);
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, durationMs);
      this.#wake = done;
      if (this.#stop.signal.aborted) done();
    });
  }
}

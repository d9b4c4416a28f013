import { randomBytes } from 'node:crypto';
import type { AppendResult } from '../../src/audit/domain/thread-changes.js';
import { type CallbackEventStore, MAX_APPENDED_EVENTS } from '../../src/audit/store/callback-event-store.js';
import type { OpenAttempt, RunDescription, RecordedRun } from '../../src/audit/domain/recorded-run.js';
import type { NewEvent } from '../../src/audit/domain/stored-event.js';
import { failedEvent, finalEvent, runOf, streamEvent, thread } from './callback-events.js';

const STARTED_AT = '2026-01-07T15:40:01.500Z';

/** Writes one attempt of a run like an agent's callback, and counts its events. */
export class RunWriter {
  readonly store: CallbackEventStore;
  readonly thread;
  readonly run: RunDescription;
  readonly token: string;
  readonly startedAt: string;
  /** How long it could not reach the store. */
  readonly waitedMs: number;
  /** The number of events that it has passed to the store. */
  count = 0;
  #begun: Promise<OpenAttempt> | undefined;

  constructor(
    store: CallbackEventStore,
    of = thread,
    run = runOf(),
    token = newToken(),
    startedAt = STARTED_AT,
    waitedMs = 0,
  ) {
    this.store = store;
    this.thread = of;
    this.run = run;
    this.token = token;
    this.startedAt = startedAt;
    this.waitedMs = waitedMs;
  }

  /** Starts the attempt unless it has started. The other methods call this. */
  begin(): Promise<OpenAttempt> {
    this.#begun ??= this.store
      .beginAttempt(this.thread, this.run, this.token, this.startedAt, performance.now() - this.waitedMs)
      .catch((error: unknown) => {
        this.#begun = undefined;
        throw error;
      });
    return this.#begun;
  }

  /** @returns the stored record of the run */
  read(): Promise<RecordedRun | undefined> {
    return this.store.readRun(this.thread, this.run.correlationId);
  }

  append(...events: readonly NewEvent[]): Promise<AppendResult> {
    return this.appendAt(this.count, ...events);
  }

  /** Appends events that start at this index, regardless of what was appended before. */
  async appendAt(firstIndex: number, ...events: readonly NewEvent[]): Promise<AppendResult> {
    const attempt = await this.begin();
    this.count = Math.max(this.count, firstIndex + events.length);
    return this.store.append(attempt, firstIndex, events);
  }

  /** Appends an event for each text, all at once. */
  stream(...texts: readonly string[]): Promise<AppendResult> {
    return this.append(...texts.map((text) => streamEvent(text)));
  }

  final(text?: string): Promise<AppendResult> {
    return this.append(finalEvent(text));
  }

  failed(): Promise<AppendResult> {
    return this.append(failedEvent());
  }
}

/** A new attempt of the thread's run with this number. */
export function writerFor(store: CallbackEventStore, of = thread, runNumber = 1): RunWriter {
  return new RunWriter(store, of, runOf(runNumber));
}

/**
 * Appends events to a run in batches. All calls for a run use the same attempt.
 *
 * @param where the thread and the number of the run, 1 by default
 */
export async function appendEvents(
  store: CallbackEventStore,
  events: readonly NewEvent[],
  { of = thread, run = 1 } = {},
): Promise<void> {
  const writer = new RunWriter(store, of, runOf(run), `writer-of-run-${run}`);
  await writer.begin();
  const kept = (await writer.read())?.attempts.at(-1);
  const firstIndex = kept?.eventCount ?? 0;
  for (let from = 0; from < events.length; from += MAX_APPENDED_EVENTS) {
    await writer.appendAt(firstIndex + from, ...events.slice(from, from + MAX_APPENDED_EVENTS));
  }
}

/** Appends one stream event to a thread's first run. */
export function appendStream(store: CallbackEventStore, text: string, of = thread): Promise<void> {
  return appendEvents(store, [streamEvent(text)], { of });
}

function newToken(): string {
  return randomBytes(16).toString('hex');
}

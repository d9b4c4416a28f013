import type { EventThread } from '../domain/event-thread.js';
import type { OpenAttempt, RunDescription } from '../domain/recorded-run.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';

export interface AttemptOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly run: RunDescription;
  /** When this delivery of the run started: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Whether to continue the newest attempt of the run, if it has not ended, instead of starting one. @default false */
  readonly continues?: boolean;
}

export interface WritableAttempt {
  readonly attempt: OpenAttempt;
  /** Number of events that the attempt had before. */
  readonly earlierCount: number;
}

/**
 * Begins an attempt in the store, which supersedes earlier ones, or continues the newest one.
 *
 * @param token - the same for each retry
 * @param startedMs - start of this delivery, as `performance.now()`
 */
export async function openAttempt(
  { store, thread, run, startedAt, continues = false }: AttemptOptions,
  token: string,
  startedMs: number,
): Promise<WritableAttempt> {
  // There is none to continue if the events were cleared, for example.
  const newest = continues ? (await store.readRun(thread, run.correlationId))?.attempts.at(-1) : undefined;
  if (newest === undefined || newest.outcome !== undefined) {
    return { attempt: await store.beginAttempt(thread, run, token, startedAt, startedMs), earlierCount: 0 };
  }
  const { attempt, eventCount } = newest;
  return {
    attempt: { attempt, token: newest.token, startedAt: newest.startedAt, thread, run },
    earlierCount: eventCount,
  };
}

import type { EventThread } from './event-thread.js';

/** The data of a run when it is accepted. */
export interface RunDescription {
  readonly correlationId: string;
  /** The message that started the run, as sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. */
  readonly acceptedAt: string;
}

/** One delivery of a run. */
export interface RunAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Distinguishes attempts that were given the same number because the log was cleared between them. */
  readonly token: string;
  /** When the entity started it, by its host's clock: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Index of its next event: the number of its events so far, including lost ones. */
  readonly eventCount: number;
  /** Number of its events that the store did not receive. */
  readonly lostEvents: number;
  /** Sequence of its newest stored event. Undefined while it has none. */
  readonly lastSequence?: number;
  /** How it ended. Undefined while it runs, and if a crash interrupted it. */
  readonly outcome?: 'final' | 'failed';
}

/** An attempt that has started in a store, as its writer knows it. */
export interface OpenAttempt extends Pick<RunAttempt, 'attempt' | 'token' | 'startedAt'> {
  readonly thread: EventThread;
  readonly run: RunDescription;
}

/** The data that a store keeps of a run besides its events. */
export interface RecordedRun extends RunDescription {
  /** The deliveries of the run, newest last. Each supersedes the earlier ones. Empty if none has started. */
  readonly attempts: readonly RunAttempt[];
}

/** Returns the number of the attempt whose events represent the run; 0 before the first. */
export function winningAttempt({ attempts }: RecordedRun): number {
  return attempts.at(-1)?.attempt ?? 0;
}

/*
 * Which delivery of a run counts: the one that began last. The store sees the deliveries in the order in which they
 * begin, unless one was cut off from it. A host does not tell an entity how often it has delivered an operation.
 */

/**
 * After a minute, another host may take over a run although the first host is still alive. This is half of that minute:
 * a delivery that reaches the store sooner is the newest, whatever its clock says. A later one may already have been
 * replaced.
 */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;

/**
 * Returns whether a delivery that only now reaches the store has already been replaced: it waited so long for the store
 * that another host may have taken over, and the newest known delivery started after it.
 *
 * @param waitedMs - time from the start of the delivery until now, measured by its own process
 */
export function isReplaced(startedAt: string, waitedMs: number, newest: RunAttempt): boolean {
  return waitedMs > MAX_CLOCK_DIFFERENCE_MS && isOlder({ startedAt }, newest);
}

/** Returns whether a delivery started before another one, allowing for different clocks of their hosts. */
function isOlder(one: Pick<RunAttempt, 'startedAt'>, other: Pick<RunAttempt, 'startedAt'>): boolean {
  return Date.parse(other.startedAt) - Date.parse(one.startedAt) > MAX_CLOCK_DIFFERENCE_MS;
}

/**
 * Returns whether an attempt that is not the newest may continue: a clear removed it, and it started after the attempt
 * that replaced it. Numbers restart after a clear, so they count only if the times do not decide.
 */
export function canReturn(run: RecordedRun, writer: OpenAttempt): boolean {
  const newest = run.attempts.at(-1);
  if (newest === undefined) return true;
  if (run.attempts.some(({ token }) => token === writer.token)) return false;
  if (isOlder(newest, writer) || isOlder(writer, newest)) return isOlder(newest, writer);
  return newest.attempt < writer.attempt && newest.startedAt <= writer.startedAt;
}

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
  /** When the entity began it, by its host's clock: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Index of its next event: how many events it has produced, including lost ones. */
  readonly eventCount: number;
  /** How many of its events the store did not receive. */
  readonly lostEvents: number;
  /** Sequence of its newest stored event. Undefined while it has none. */
  readonly lastSequence?: number;
  /** How it ended. Undefined while it runs, and forever if it was cut off. */
  readonly outcome?: 'final' | 'failed';
}

/** An attempt that has started in a store, for its writer. */
export interface OpenAttempt extends Pick<RunAttempt, 'attempt' | 'token' | 'startedAt'> {
  readonly thread: EventThread;
  readonly run: RunDescription;
}

/** What a store keeps of a run besides its events. */
export interface RecordedRun extends RunDescription {
  /** The deliveries of the run, the newest last. Each supersedes those before it. Empty if none has started. */
  readonly attempts: readonly RunAttempt[];
}

/** The number of the attempt whose events represent the run; 0 before the first. */
export function winningAttempt({ attempts }: RecordedRun): number {
  return attempts.at(-1)?.attempt ?? 0;
}

/*
 * Which delivery of a run counts: the one that began last. The store sees the deliveries in the order in which they
 * begin, unless one was cut off from it. A host does not tell an entity how often it has delivered an operation.
 */

/**
 * Half of the minute after which another host takes over a run whose host may still be alive. A delivery that reaches
 * the store sooner is the newest, whatever its clock says. One that arrives later may already have been replaced.
 */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;

/**
 * Whether a delivery that reaches the store only now has already been replaced: it waited so long for the store that
 * another host may have taken over, and the newest known delivery began after it.
 *
 * @param waitedMs time between the start of the delivery and now, measured by its own process
 */
export function isReplaced(startedAt: string, waitedMs: number, newest: RunAttempt): boolean {
  return waitedMs > MAX_CLOCK_DIFFERENCE_MS && isOlder({ startedAt }, newest);
}

/** Whether a delivery began before another one, allowing for the difference between their hosts' clocks. */
function isOlder(one: Pick<RunAttempt, 'startedAt'>, other: Pick<RunAttempt, 'startedAt'>): boolean {
  return Date.parse(other.startedAt) - Date.parse(one.startedAt) > MAX_CLOCK_DIFFERENCE_MS;
}

/**
 * Whether an attempt that is not the newest one may continue: a clear removed it, and it began after the one that has
 * taken its place. Numbers restart on a clear, and count only where times do not decide.
 */
export function canReturn(run: RecordedRun, writer: OpenAttempt): boolean {
  const newest = run.attempts.at(-1);
  if (newest === undefined) return true;
  if (run.attempts.some(({ token }) => token === writer.token)) return false;
  if (isOlder(newest, writer) || isOlder(writer, newest)) return isOlder(newest, writer);
  return newest.attempt < writer.attempt && newest.startedAt <= writer.startedAt;
}

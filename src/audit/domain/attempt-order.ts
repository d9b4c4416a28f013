import type { OpenAttempt, RunAttempt, RunRecord } from './run-record.js';

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
export function canReturn(run: RunRecord, writer: OpenAttempt): boolean {
  const newest = run.attempts.at(-1);
  if (newest === undefined) return true;
  if (run.attempts.some(({ token }) => token === writer.token)) return false;
  if (isOlder(newest, writer) || isOlder(writer, newest)) return isOlder(newest, writer);
  return newest.attempt < writer.attempt && newest.startedAt <= writer.startedAt;
}

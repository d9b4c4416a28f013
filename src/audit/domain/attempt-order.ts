import type { OpenAttempt } from '../store/callback-event-store.js';
import type { RunAttempt, RunDescription, RunRecord } from './run-record.js';

/*
 * Which delivery of a run counts. The conversation takes that of the host that has the run now, and a host says nothing
 * of that to the entity but the time: it tells neither how often it has delivered the run, nor since when.
 */

/**
 * Two deliveries of a run are told apart by their starting times only when these are further apart. It is half of the
 * minute after which a host takes over a run of another one that may still be alive: so clocks may differ by half a
 * minute either way. A host that only lost its worker repeats the run sooner, but there the first delivery is dead.
 */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;

/**
 * Whether a request is the one whose answer is in the conversation. It is not answered again; only another one can be,
 * after the conversation was reset.
 */
export function isOver(run: RunRecord | undefined, { acceptedAt }: RunDescription): boolean {
  return run?.committed === true && run.acceptedAt === acceptedAt;
}

/** Whether a delivery began before another one, however their hosts' clocks differ. */
export function isOlder(one: Pick<RunAttempt, 'startedAt'>, other: Pick<RunAttempt, 'startedAt'>): boolean {
  return Date.parse(other.startedAt) - Date.parse(one.startedAt) > MAX_CLOCK_DIFFERENCE_MS;
}

/**
 * Whether an attempt that is not the newest one may go on: it was forgotten when the record was cleared, and began after
 * the one that has taken its place. Numbers start again with a clear, and count only where times do not tell.
 */
export function canReturn(run: RunRecord, writer: OpenAttempt): boolean {
  const newest = run.attempts.at(-1);
  if (newest === undefined) return true;
  if (isOver(run, writer.run) || run.attempts.some(({ token }) => token === writer.token)) return false;
  if (isOlder(newest, writer) || isOlder(writer, newest)) return isOlder(newest, writer);
  return newest.attempt < writer.attempt && newest.startedAt <= writer.startedAt;
}

import { expect } from 'vitest';
import type { StreamEventFields } from '../../src/audit/domain/callback-event.js';
import { eventsOf } from '../support/served-events.js';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import { pieceOf, PIECES, type RecordedRun } from './recorded-run.js';

/** As many as are written at once. */
const MAX_UNDER_WAY = 50;

/** What a record says of a run. */
export interface RunFindings {
  /** What should not be so; nothing, as it should be. */
  readonly problems: readonly string[];
  /** How many of the latest attempt's events are missing. */
  readonly missing: number;
}

/**
 * Looks at the record of a thread that has one run, which may have been delivered twice.
 *
 * @param attempts the deliveries in the order in which they began, the latest last
 */
export async function findingsOn(
  store: CallbackEventStore,
  { agentName, threadId }: { readonly agentName: string; readonly threadId: string },
  attempts: readonly RecordedRun[],
): Promise<RunFindings> {
  const events = eventsOf(await store.list({ agentName, threadId }));
  const problems: string[] = [];
  for (const [index, { sequence }] of events.entries()) {
    if (sequence !== index + 1) problems.push(`event ${index + 1} has the sequence ${sequence}`);
  }
  const numbers = events.map(({ attempt }) => attempt);
  if (numbers.some((number, index) => number < (numbers[index - 1] ?? 0))) {
    problems.push('an attempt goes on behind the beginning of a later one');
  }
  let missing = 0;
  for (const [index, run] of attempts.entries()) {
    const own = events.filter((event) => event.attempt === index + 1);
    const pieces = own.filter((event) => event.event_type === 'stream');
    problems.push(...piecesOutOfOrder(pieces, run.name));
    const ends = own.filter((event) => event.event_type !== 'stream');
    if (ends.length > 1) problems.push(`${run.name} has ${ends.length} ends`);
    const [end] = ends;
    if (end !== undefined && end !== own.at(-1)) problems.push(`${run.name} goes on behind its end`);
    missing = PIECES - pieces.length + (end === undefined ? 1 : 0);
    if (end !== undefined && (end.lost_events ?? 0) !== missing) {
      problems.push(`${run.name} says at its end that ${end.lost_events ?? 0} events are lost, and ${missing} are`);
    }
  }
  if (numbers.some((number) => number > attempts.length)) problems.push('there are more attempts than there were');
  return { problems, missing };
}

function piecesOutOfOrder(pieces: readonly StreamEventFields[], name: string): string[] {
  let next = 0;
  return pieces.flatMap(({ text }) => {
    const index = Number(text.slice(name.length + 1));
    const isNext = index >= next && text === pieceOf(name, index);
    next = index + 1;
    return isNext ? [] : `a piece of ${name} is "${text}"`;
  });
}

/** Expects that the log of a process and its health tell of no lost event. */
export async function expectNoLossTold(run: RecordedRun): Promise<void> {
  expect(run.toldLost).toBe(0);
  expect(await run.lostEventsOfHealth()).toBe(0);
}

/**
 * Expects that the log of a process and its health tell how many events are lost: exactly, if the last one was
 * acknowledged. If not, what was under way then may be kept all the same, and nobody can tell.
 */
export async function expectLossTold(run: RecordedRun, missing: number): Promise<void> {
  const ofHealth = await run.lostEventsOfHealth();
  const told = run.toldLost;
  expect(told).toBeGreaterThanOrEqual(missing);
  expect(told).toBeLessThanOrEqual(run.isEndAcknowledged ? missing : missing + MAX_UNDER_WAY);
  expect(ofHealth).toBe(told);
}

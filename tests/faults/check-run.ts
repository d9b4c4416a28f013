import { expect } from 'vitest';
import type { StreamEventFields } from '../../src/audit/domain/callback-event.js';
import { eventsOf } from '../support/served-events.js';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import { pieceOf, PIECES, type RecordedRun } from './recorded-run.js';

/** The size of a write. */
const MAX_UNDER_WAY = 50;

/** The stored events of a run. */
export interface RunFindings {
  /** Empty if there are no violations. */
  readonly problems: readonly string[];
  /** The number of missing events of the latest attempt. */
  readonly missing: number;
}

/**
 * Checks the stored events of a thread with one run, which may have been delivered twice.
 *
 * @param attempts the deliveries, oldest first
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
    problems.push('an attempt has events after the start of a later one');
  }
  let missing = 0;
  for (const [index, run] of attempts.entries()) {
    const own = events.filter((event) => event.attempt === index + 1);
    const pieces = own.filter((event) => event.event_type === 'stream');
    problems.push(...piecesOutOfOrder(pieces, run.name));
    const ends = own.filter((event) => event.event_type !== 'stream');
    if (ends.length > 1) problems.push(`${run.name} has ${ends.length} ends`);
    const [end] = ends;
    if (end !== undefined && end !== own.at(-1)) problems.push(`${run.name} has events after its end`);
    missing = PIECES - pieces.length + (end === undefined ? 1 : 0);
    if (end !== undefined && (end.lost_events ?? 0) !== missing) {
      problems.push(`${run.name} reports ${end.lost_events ?? 0} lost events at its end, but ${missing} are missing`);
    }
  }
  if (numbers.some((number) => number > attempts.length)) problems.push('there are more attempts than deliveries');
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

/** Expects that neither the log nor the health of a process reports lost events. */
export async function expectNoLossTold(run: RecordedRun): Promise<void> {
  expect(run.toldLost).toBe(0);
  expect(await run.lostEventsOfHealth()).toBe(0);
}

/**
 * Expects that the log and the health of a process report the number of lost events. The number is exact if the store
 * acknowledged the last event. Otherwise the store may also have kept events that were in flight.
 */
export async function expectLossTold(run: RecordedRun, missing: number): Promise<void> {
  const ofHealth = await run.lostEventsOfHealth();
  const told = run.toldLost;
  expect(told).toBeGreaterThanOrEqual(missing);
  expect(told).toBeLessThanOrEqual(run.isEndAcknowledged ? missing : missing + MAX_UNDER_WAY);
  expect(ofHealth).toBe(told);
}

import { cutNewestTurn } from './cut-turn.js';
import type { ThreadEntry, ThreadState } from './thread-state.js';
import { turnsOf } from './turns.js';

/** Version of the schema that has `truncation`. */
const TRUNCATION_VERSION = '1.2.0';
/** Space for a request besides its message: its entry, a short response, and state data other than turns. */
const RESERVED_BYTES = 2048;

export interface BoundedThreadState {
  readonly state: ThreadState;
  /** The turns that were dropped, oldest first. */
  readonly droppedTurns: readonly (readonly ThreadEntry[])[];
  /** Whether parts of the newest turn were cut, because it is too large even alone. */
  readonly isCut: boolean;
}

/** Whether a message can be stored within a limit of the state, whatever else has to be dropped for it. */
export function fitsInState(message: string, maxBytes: number): boolean {
  return byteLengthOf(message) + RESERVED_BYTES <= maxBytes;
}

/**
 * Makes a thread's state fit a size: drops its oldest whole turns, and notes that in `truncation`. The newest turn stays.
 * If it is too large alone, its tool results and then its answer are cut and marked.
 *
 * @param maxBytes of the state's JSON in UTF-8
 */
export function boundThreadState(state: ThreadState, maxBytes: number, now: Date): BoundedThreadState {
  let excess = byteLengthOf(state) - maxBytes;
  if (excess <= 0) return { state, droppedTurns: [], isCut: false };
  const turns = turnsOf(state.data.conversationHistory);
  const noted = withTruncation(state, turns.slice(0, -1), now);
  if (turns.length > 1) excess = byteLengthOf(noted) - maxBytes;
  let dropCount = 0;
  while (excess > 0 && dropCount < turns.length - 1) {
    // Each entry is followed by a comma.
    for (const entry of turns[dropCount] ?? []) excess -= byteLengthOf(entry) + 1;
    dropCount += 1;
  }
  const droppedTurns = turns.slice(0, dropCount);
  const bounded = withTruncation(withHistory(state, turns.slice(dropCount).flat()), droppedTurns, now);
  if (excess <= 0) return { state: bounded, droppedTurns, isCut: false };
  const newest = cutNewestTurn(turns.at(-1) ?? [], byteLengthOf(bounded) - maxBytes);
  return { state: withHistory(bounded, newest.entries), droppedTurns, isCut: newest.isCut };
}

/**
 * As {@link boundThreadState}, without a cut: for a state that keeps a run which has not ended.
 *
 * @returns undefined if the state does not fit without one
 */
export function boundOpenState(state: ThreadState, maxBytes: number, now: Date): BoundedThreadState | undefined {
  const bounded = boundThreadState(state, maxBytes, now);
  return bounded.isCut || byteLengthOf(bounded.state) > maxBytes ? undefined : bounded;
}

function withHistory(state: ThreadState, conversationHistory: ThreadEntry[]): ThreadState {
  return { ...state, data: { ...state.data, conversationHistory } };
}

function withTruncation(state: ThreadState, dropped: readonly (readonly ThreadEntry[])[], now: Date): ThreadState {
  if (dropped.length === 0) return state;
  const messageCount = dropped.flat().reduce((sum, { messages = [] }) => sum + messages.length, 0);
  const { truncation: earlier } = state.data;
  const lastEvictedAt = now.toISOString();
  const truncation = {
    ...earlier,
    evictedMessageCount: Math.max(1, (earlier?.evictedMessageCount ?? 0) + messageCount),
    firstEvictedAt: earlier?.firstEvictedAt ?? lastEvictedAt,
    lastEvictedAt,
  };
  return {
    ...state,
    schemaVersion: atLeast(state.schemaVersion, TRUNCATION_VERSION),
    data: { ...state.data, truncation },
  };
}

/** The later one of two versions that have the same major version. */
function atLeast(version: string, minimum: string): string {
  return version.localeCompare(minimum, 'en', { numeric: true }) < 0 ? minimum : version;
}

function byteLengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

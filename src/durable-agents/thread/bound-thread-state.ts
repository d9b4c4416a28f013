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
  const { excess, ...bounded } = dropTurns(state, 1, maxBytes, now);
  if (excess <= 0) return { ...bounded, isCut: false };
  const newest = cutNewestTurn(turnsOf(bounded.state.data.conversationHistory).at(-1) ?? [], excess);
  return { ...bounded, state: withHistory(bounded.state, newest.entries), isCut: newest.isCut };
}

/**
 * As {@link boundThreadState}, for a state that keeps a run which has not ended: all turns may be dropped, and none is cut.
 *
 * @returns undefined if the state does not fit even so
 */
export function boundOpenState(state: ThreadState, maxBytes: number, now: Date): BoundedThreadState | undefined {
  const { excess, ...bounded } = dropTurns(state, 0, maxBytes, now);
  return excess > 0 ? undefined : { ...bounded, isCut: false };
}

/** Drops the oldest turns of a state that is too large, except the newest `keptCount`. `excess` is the bytes above the limit. */
function dropTurns(
  state: ThreadState,
  keptCount: number,
  maxBytes: number,
  now: Date,
): Omit<BoundedThreadState, 'isCut'> & { readonly excess: number } {
  const excess = byteLengthOf(state) - maxBytes;
  const turns = turnsOf(state.data.conversationHistory);
  const maxCount = Math.max(0, turns.length - keptCount);
  if (excess <= 0 || maxCount === 0) return { state, droppedTurns: [], excess };
  let left = byteLengthOf(withTruncation(state, turns.slice(0, maxCount), now)) - maxBytes;
  let dropCount = 0;
  while (left > 0 && dropCount < maxCount) {
    // Each entry is followed by a comma.
    for (const entry of turns[dropCount] ?? []) left -= byteLengthOf(entry) + 1;
    dropCount += 1;
  }
  const droppedTurns = turns.slice(0, dropCount);
  const bounded = withTruncation(withHistory(state, turns.slice(dropCount).flat()), droppedTurns, now);
  return { state: bounded, droppedTurns, excess: byteLengthOf(bounded) - maxBytes };
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

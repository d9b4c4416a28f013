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
  /** Whether parts of the newest turn were cut, because it alone is too large. */
  readonly isCut: boolean;
}

/** Returns whether a message fits into the state if everything else is dropped. */
export function fitsInState(message: string, maxBytes: number): boolean {
  return byteLengthOf(message) + RESERVED_BYTES <= maxBytes;
}

/**
 * Limits the size of a thread's state: drops its oldest whole turns, and records that in `truncation`. Never drops the
 * newest turn. If that alone is too large, cuts its tool results and then its answer, and marks them.
 *
 * @param maxBytes - maximum size of the state's JSON in UTF-8
 */
export function boundThreadState(state: ThreadState, maxBytes: number, now: Date): BoundedThreadState {
  const { excess, ...bounded } = dropTurns(state, 1, maxBytes, now);
  if (excess <= 0) return { ...bounded, isCut: false };
  const newest = cutNewestTurn(turnsOf(bounded.state.data.conversationHistory).at(-1) ?? [], excess);
  return { ...bounded, state: withHistory(bounded.state, newest.entries), isCut: newest.isCut };
}

/**
 * Like {@link boundThreadState}, but for a state with an open run: may drop all turns, and cuts none.
 *
 * @returns undefined if the state is still too large
 */
export function boundOpenState(state: ThreadState, maxBytes: number, now: Date): BoundedThreadState | undefined {
  const { excess, ...bounded } = dropTurns(state, 0, maxBytes, now);
  return excess > 0 ? undefined : { ...bounded, isCut: false };
}

/**
 * Drops the oldest turns of a state that is too large, except the newest `keptCount`. `excess` is the bytes above the
 * limit.
 */
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

/** Returns the later of two versions with the same major version. */
function atLeast(version: string, minimum: string): string {
  return version.localeCompare(minimum, 'en', { numeric: true }) < 0 ? minimum : version;
}

function byteLengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

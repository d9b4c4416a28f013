import type { ThreadEntry } from './thread-state.js';

/**
 * Groups a history into its turns, oldest first: a request with its responses. Entries with the same correlation id are
 * one turn, so a call of a tool stays with its result. An entry without a correlation id belongs to the turn before it,
 * unless it is a request or a compaction.
 */
export function turnsOf(history: readonly ThreadEntry[]): ThreadEntry[][] {
  const turns: ThreadEntry[][] = [];
  const turnOfRun = new Map<string, ThreadEntry[]>();
  for (const entry of history) {
    const { $type: type, correlationId: runId } = entry;
    const own = runId === undefined ? undefined : turnOfRun.get(runId);
    const isFirst = runId !== undefined || type === 'request' || type === 'compaction';
    const turn = own ?? (isFirst ? undefined : turns.at(-1)) ?? startTurn(turns);
    turn.push(entry);
    if (runId !== undefined) turnOfRun.set(runId, turn);
  }
  return turns;
}

function startTurn(turns: ThreadEntry[][]): ThreadEntry[] {
  const turn: ThreadEntry[] = [];
  turns.push(turn);
  return turn;
}

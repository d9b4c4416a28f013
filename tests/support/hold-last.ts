import type { Gate } from './gate.js';

/** The pieces of an answer that goes on until the gate is opened, however late that is: only then comes the last one. */
export function holdLast(pieces: readonly string[], gate: Gate): (string | Promise<unknown>)[] {
  return [...pieces.slice(0, -1), gate.opened, ...pieces.slice(-1)];
}

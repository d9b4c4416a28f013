import type { Gate } from './gate.js';

/** The pieces of an answer whose last piece waits until the gate is opened. */
export function holdLast(pieces: readonly string[], gate: Gate): (string | Promise<unknown>)[] {
  return [...pieces.slice(0, -1), gate.opened, ...pieces.slice(-1)];
}

import { once } from 'node:events';

/** Blocks callers that await `opened` until the gate opens. */
export interface Gate {
  readonly opened: Promise<unknown>;
  readonly open: () => void;
}

export function createGate(): Gate {
  const gate = new AbortController();
  return { opened: once(gate.signal, 'abort'), open: () => gate.abort() };
}

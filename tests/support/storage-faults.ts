import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ValueChange } from '../../src/storage/key-value-store.js';
import type { MemoryService } from './memory-service.js';

/** How a commit is delayed and fails. */
export interface StorageFault {
  /** The delay of the request, in turns of the event loop. */
  readonly delayTurns: number;
  /** Fails before it takes effect, or loses its response afterwards. Undefined if it succeeds. */
  readonly failure?: 'before' | 'after' | undefined;
}

/** Applies one of these faults to each of the next commits. Undefined applies none. */
export function setFaults(storage: MemoryService, faults: Iterator<StorageFault> | undefined): void {
  const lost = new WeakSet<readonly ValueChange[]>();
  storage.hooks.beforeCommit = async (changes) => {
    const fault = faults?.next();
    if (fault === undefined || fault.done === true) return;
    const { delayTurns, failure } = fault.value;
    for (let turn = 0; turn < delayTurns; turn += 1) await nextTurn();
    if (failure === 'before') throw new Error('The request was lost.');
    if (failure === 'after') lost.add(changes);
  };
  storage.hooks.afterCommit = (changes) => {
    if (lost.has(changes)) throw new Error('The answer was lost.');
  };
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ValueChange } from '../../src/storage/key-value-store.js';
import type { MemoryService } from './memory-service.js';

/** What happens to a commit on its way. */
export interface StorageFault {
  /** Turns of the event loop that it takes to arrive. */
  readonly delayTurns: number;
  /** It fails before it takes effect, or its answer is lost afterwards. Undefined: it does not fail. */
  readonly failure?: 'before' | 'after' | undefined;
}

/** Lets the next commits meet these faults, one each. Undefined: none. */
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

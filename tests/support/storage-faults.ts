import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ThreadChange } from '../../src/audit/domain/thread-changes.js';
import type { MemoryStoreAdapter } from './memory-event-storage.js';

/** What happens to a commit on its way. */
export interface StorageFault {
  /** How long it takes to arrive: so many turns of the event loop. */
  readonly delayTurns: number;
  /** It fails before it has taken effect, or its answer is lost after that. Absent: it does not fail. */
  readonly failure?: 'before' | 'after' | undefined;
}

/** Lets the next commits meet these faults, one each. `undefined`: none of them meets any. */
export function setFaults(storage: MemoryStoreAdapter, faults: Iterator<StorageFault> | undefined): void {
  const lost = new WeakSet<ThreadChange>();
  storage.hooks.beforeCommit = async (_thread, change) => {
    const fault = faults?.next();
    if (fault === undefined || fault.done === true) return;
    const { delayTurns, failure } = fault.value;
    for (let turn = 0; turn < delayTurns; turn += 1) await nextTurn();
    if (failure === 'before') throw new Error('The request was lost.');
    if (failure === 'after') lost.add(change);
  };
  storage.hooks.afterCommit = (_thread, change) => {
    if (lost.has(change)) throw new Error('The answer was lost.');
  };
}

import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';

/** What a test of the contract works with; each test has its own. */
export interface ContractContext {
  readonly store: CallbackEventStore;
  /** Another process's store over the same service, or the same store. */
  readonly second: CallbackEventStore;
  /** Of an agent that no other test uses: the service behind the store may hold what others have left. */
  readonly thread: EventThread;
  /** Aborted when the test is over. */
  readonly testEnd: AbortSignal;
}

export function otherThreadOf(thread: EventThread): EventThread {
  return { ...thread, threadId: 'thread-2' };
}

/** Another agent's thread that has the same id. */
export function sameIdOtherAgent(thread: EventThread): EventThread {
  return { ...thread, agentName: `${thread.agentName}-other` };
}

export function inOtherCase(thread: EventThread): EventThread {
  return { ...thread, threadId: thread.threadId.toUpperCase() };
}

/** 1, 2, 3 … */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}

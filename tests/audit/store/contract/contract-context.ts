import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';

/** The stores and the thread of one contract test. */
export interface ContractContext {
  readonly store: CallbackEventStore;
  /** Another process's store over the same service, or the same store. */
  readonly second: CallbackEventStore;
  /** A thread of an agent that no other test uses, because the service may contain data of other tests. */
  readonly thread: EventThread;
  /** Aborted at the end of the test. */
  readonly testEnd: AbortSignal;
}

export function otherThreadOf(thread: EventThread): EventThread {
  return { ...thread, threadId: 'thread-2' };
}

/** A thread of another agent with the same id. */
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

import type { AcceptedRun, RunIdentity, RunRecords } from '../../durable-agents/index.js';
import { winningAttempt } from '../domain/run-record.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';

/** Keeps the records of accepted runs in the event store. */
export class StoredRunRecords implements RunRecords {
  readonly #store: CallbackEventStore;

  constructor(store: CallbackEventStore) {
    this.#store = store;
  }

  async accept({ agentName, threadId, correlationId, requestMessage, requestedAt }: AcceptedRun): Promise<string> {
    const run = { correlationId, requestMessage, acceptedAt: requestedAt };
    return (await this.#store.acceptRun({ agentName, threadId }, run)).requestMessage;
  }

  async attemptCount({ agentName, threadId, correlationId }: RunIdentity): Promise<number> {
    const run = await this.#store.readRun({ agentName, threadId }, correlationId);
    return run === undefined ? 0 : winningAttempt(run);
  }
}

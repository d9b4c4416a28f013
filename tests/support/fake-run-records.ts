import type { RunIdentity } from '../../src/durable-agents/run-event-source.js';
import type { AcceptedRun, RunRecords } from '../../src/durable-agents/run-records.js';

/** Keeps in memory what it is told, unless a call is given something else to do. */
export class FakeRunRecords implements RunRecords {
  /** What was accepted, call by call. */
  readonly acceptedRuns: AcceptedRun[] = [];
  readonly #instead: Partial<RunRecords>;

  constructor(instead: Partial<RunRecords> = {}) {
    this.#instead = instead;
  }

  accept(run: AcceptedRun): Promise<string> {
    this.acceptedRuns.push(run);
    const first = this.acceptedRuns.find(({ correlationId }) => correlationId === run.correlationId) ?? run;
    return this.#instead.accept?.(run) ?? Promise.resolve(first.requestMessage);
  }

  attemptCount(run: RunIdentity): Promise<number> {
    return this.#instead.attemptCount?.(run) ?? Promise.resolve(0);
  }
}

import type { RunIdentity } from './run-event-source.js';

/** A run that is going to be handed to the entity of its thread. */
export interface AcceptedRun extends RunIdentity {
  /** The message that starts the run, as it was sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. */
  readonly requestedAt: string;
}

/**
 * Keeps what is known of runs outside of their threads' entities. It serves the entities' word, which is what counts:
 * where it fails, that is logged, and runs go on without it.
 */
export interface RunRecords {
  /**
   * Notes that a run with an idempotency key was accepted, unless it is known already. It is waited for, for two
   * seconds at the most.
   *
   * @returns the message with which it was accepted first
   */
  accept(run: AcceptedRun): Promise<string>;

  /** How many deliveries of the run have begun so far; 0 for an unknown run. A run waits for it for a second. */
  attemptCount(run: RunIdentity): Promise<number>;
}

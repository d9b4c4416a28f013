import type { EventThread } from './event-thread.js';

/** What is known of a run when it is accepted. */
export interface RunDescription {
  readonly correlationId: string;
  /** The message that started the run, as sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. */
  readonly acceptedAt: string;
}

/** One delivery of a run. */
export interface RunAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Distinguishes attempts that were given the same number because the log was cleared between them. */
  readonly token: string;
  /** When the entity began it, by its host's clock: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Index of its next event: how many events it has produced, including lost ones. */
  readonly eventCount: number;
  /** How many of its events the store did not receive. */
  readonly lostEvents: number;
  /** Sequence of its newest stored event. Undefined while it has none. */
  readonly lastSequence?: number;
  /** How it ended. Undefined while it runs, and forever if it was cut off. */
  readonly outcome?: 'final' | 'failed';
}

/** An attempt that has begun in a store, for its writer. */
export interface OpenAttempt extends Pick<RunAttempt, 'attempt' | 'token' | 'startedAt'> {
  readonly thread: EventThread;
  readonly run: RunDescription;
}

/** What a store keeps of a run besides its events. */
export interface RunRecord extends RunDescription {
  /** The deliveries of the run, the newest last. Each supersedes those before it. Empty: not begun. */
  readonly attempts: readonly RunAttempt[];
}

/** The number of the attempt whose events represent the run; 0 before the first. */
export function winningAttempt({ attempts }: RunRecord): number {
  return attempts.at(-1)?.attempt ?? 0;
}

/** What is known of a run when it is accepted. */
export interface RunDescription {
  readonly correlationId: string;
  /** The message that started the run, as it was sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. */
  readonly acceptedAt: string;
}

/** One delivery of a run. */
export interface RunAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Tells attempts apart that were given the same number, as the record was cleared between them. */
  readonly token: string;
  /** When the entity began with it, by the clock of its host: ISO 8601 in UTC. */
  readonly startedAt: string;
  /** The index of its next event: how many it has made, with those that were lost. */
  readonly eventCount: number;
  /** How many of its events the store could not take. */
  readonly lostEvents: number;
  /** Of its newest kept event; absent while it has none. */
  readonly lastSequence?: number;
  /** How it ended; absent while it goes on, and for ever when it was cut off. */
  readonly outcome?: 'final' | 'failed';
  /** When its last event was made: ISO 8601 in UTC. */
  readonly endedAt?: string;
  /** What it answered, as an `answerHash`; absent while it has not. */
  readonly answer?: string;
}

/** What a store keeps of a run beside its events. */
export interface RunRecord extends RunDescription {
  /** The deliveries of the run, the latest last. Each supersedes those before it. Empty: not begun. */
  readonly attempts: readonly RunAttempt[];
  /** The answer of the latest attempt is in the conversation. */
  readonly committed: boolean;
  /** Somebody asked for the run to be ended. */
  readonly cancelRequested: boolean;
}

/** What can be noted of a run from outside of it. */
export type RunMark =
  | { readonly kind: 'cancelRequested' }
  /** The conversation holds this answer to it, given as an `answerHash`. */
  | { readonly kind: 'committed'; readonly answer: string };

/** The number of the attempt whose events stand for the run; 0 before the first. */
export function winningAttempt({ attempts }: RunRecord): number {
  return attempts.at(-1)?.attempt ?? 0;
}

import type { TokenCounts } from '../api/telemetry-event.js';

/** A part of an answer: neighbouring updates of one kind. */
export interface RunPart {
  /** `text` is the answer itself. */
  readonly kind: string;
  readonly text: string;
}

/** How a run stands. */
export type RunOutcome =
  | { readonly status: 'streaming' }
  /** It was cut off, and its next attempt has not shown itself yet. */
  | { readonly status: 'restarting' }
  | {
      readonly status: 'answered';
      /** Of its final event. */
      readonly sequence: number;
      readonly usage: TokenCounts | null;
      readonly isCut: boolean;
      /** Whether the answer is known to be in the conversation. */
      readonly isCommitted: boolean;
    }
  | { readonly status: 'failed'; readonly code: string; readonly message: string };

/** One request in a thread and what came of it so far, in its latest attempt. */
export interface Run {
  readonly correlationId: string;
  /** Counts from 1 in the thread as it is shown. */
  readonly number: number;
  readonly requestMessage: string;
  readonly parts: readonly RunPart[];
  readonly outcome: RunOutcome;
  /** Which delivery of the run is shown, or waited for; from 1. */
  readonly attempt: number;
  /** How many of its events the app could not keep. */
  readonly lostEvents: number;
  /**
   * The run began again after an interruption, so that its updates tell more than its answer. Only where the app does not
   * tell attempts apart.
   */
  readonly wasRepeated: boolean;
  /** When the run began, in milliseconds since 1970; its first event where the app does not tell. */
  readonly startedAtMs: number;
  readonly isStartKnown: boolean;
  /** Of the first and the latest event. */
  readonly firstEventAtMs: number;
  readonly lastEventAtMs: number;
  /** When its first event got here, by the page's own clock. */
  readonly firstReceivedAtMs: number;
  readonly updateCount: number;
}

/** Whether nothing more is to come. */
export function isEnded({ outcome }: Run): boolean {
  return outcome.status === 'answered' || outcome.status === 'failed';
}

/** The text of the answer, without reasoning and tools. */
export function answerOf({ parts }: Pick<Run, 'parts'>): string {
  return parts.map(({ kind, text }) => (kind === 'text' ? text : '')).join('');
}

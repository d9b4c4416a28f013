import type { ApprovalState, Cost, TokenCounts } from '../api/telemetry-event.js';

/** A part of an answer: consecutive updates of one kind, or a tool call with its approval and result. */
export type RunPart = TextPart | AsidePart | ToolPart;

/** Text of the answer itself. */
export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

export interface AsidePart {
  readonly kind: 'aside';
  /** Kind of its updates: `reasoning`. */
  readonly title: string;
  readonly text: string;
}

export interface ToolPart {
  readonly kind: 'tool';
  /** `undefined` if the app did not name the call. */
  readonly callId: string | undefined;
  readonly toolName: string;
  readonly arguments: unknown;
  readonly approval?: ApprovalState;
  /** The reason that the person gave for the decision. */
  readonly reason?: string | undefined;
  /** Set when the call has ended. */
  readonly outcome?: ToolOutcome;
}

export interface ToolOutcome {
  readonly result: unknown;
  readonly isError: boolean;
  readonly durationMs: number | undefined;
}

/** The state of a run. */
export type RunOutcome =
  | { readonly status: 'streaming' }
  /** The run was interrupted, and its next attempt has no events yet. */
  | { readonly status: 'restarting' }
  | {
      readonly status: 'answered';
      /** Sequence of its final event. */
      readonly sequence: number;
      readonly usage: TokenCounts | null;
      readonly cost: Cost | undefined;
      readonly isCut: boolean;
    }
  | { readonly status: 'failed'; readonly code: string; readonly message: string };

/** One request in a thread and its latest attempt so far. */
export interface Run {
  readonly correlationId: string;
  /** Position among the shown runs, from 1. */
  readonly number: number;
  readonly requestMessage: string;
  readonly parts: readonly RunPart[];
  readonly outcome: RunOutcome;
  /** The attempt that is shown or awaited, from 1. */
  readonly attempt: number;
  /** Number of its events that the app could not store. */
  readonly lostEvents: number;
  /**
   * The run started over after an interruption, so its updates hold more than its answer. Only set if the app does not
   * number attempts.
   */
  readonly wasRepeated: boolean;
  /**
   * When the run started, in milliseconds since 1970. The time of its first event if the app does not report a start.
   */
  readonly startedAtMs: number;
  readonly isStartKnown: boolean;
  /** Times of the first and latest events, in milliseconds since 1970. */
  readonly firstEventAtMs: number;
  readonly lastEventAtMs: number;
  /** When the first event arrived: milliseconds on the page's clock. */
  readonly firstReceivedAtMs: number;
  readonly updateCount: number;
}

/** Whether the run is over. */
export function isEnded({ outcome }: Run): boolean {
  return outcome.status === 'answered' || outcome.status === 'failed';
}

/** Returns whether the run waits until somebody approves or rejects a tool call. */
export function isWaitingForApproval(run: Run): boolean {
  return !isEnded(run) && run.parts.some((part) => part.kind === 'tool' && part.approval === 'requested');
}

/** Returns the text of the answer: what follows the last tool call, without reasoning. */
export function answerOf({ parts }: Pick<Run, 'parts'>): string {
  const lastTool = parts.findLastIndex(({ kind }) => kind === 'tool');
  return parts
    .slice(lastTool + 1)
    .map((part) => (part.kind === 'text' ? part.text : ''))
    .join('');
}

import { z } from 'zod';
import type { Approval } from '../approvals/approval.js';
import { decidableApprovals, waitingStateOf } from '../approvals/waiting-run.js';
import { isEnded, type RecordedEnd } from '../runs/run-record.js';
import { isCut } from '../thread/cut-turn.js';
import {
  answerText,
  findResponse,
  joinedText,
  responseError,
  type ThreadEntry,
  type ThreadState,
} from '../thread/thread-state.js';

interface OutcomeOfRun {
  /** The message that started the run, if the thread has it. */
  readonly requestMessage?: string;
}

/** The outcome of a completed run. */
export interface AnsweredOutcome extends OutcomeOfRun {
  readonly status: 'success';
  readonly response: string;
  /** Number of entries (requests and responses) in the history, up to and including this run's response. */
  readonly messageCount: number;
  /** True if the conversation has only the beginning of the response. */
  readonly isCut?: boolean;
}

interface FailedOutcome extends OutcomeOfRun {
  readonly status: 'error';
  readonly error: string;
  readonly errorCode: string;
  /** Seconds after which a retry may succeed, if the model sent them. */
  readonly retryAfterSeconds?: number;
}

/** How a run ended. */
export type EndedOutcome = AnsweredOutcome | FailedOutcome;

/** The run waits for approvals. */
interface WaitingOutcome extends OutcomeOfRun {
  readonly status: 'waiting';
  /** The undecided approvals, at least one. */
  readonly approvals: readonly Approval[];
}

/** The outcome of a run that has ended or waits, from the thread's committed state. */
export type RunOutcome = EndedOutcome | WaitingOutcome;

const retryAfterSchema = z.object({ retryAfterSeconds: z.number().min(0) });

/** Returns how a run ended; `undefined` while the history, oldest entry first, has no response to it. */
export function findOutcome(history: readonly ThreadEntry[], correlationId: string): EndedOutcome | undefined {
  const response = findResponse(history, correlationId);
  if (response === undefined) return undefined;
  const request = history.find((entry) => entry.$type === 'request' && entry.correlationId === correlationId);
  const about = request && { requestMessage: joinedText(request.messages) };
  const failure = responseError(response);
  return failure === undefined
    ? {
        ...about,
        status: 'success',
        response: answerText(response.messages),
        messageCount: history.indexOf(response) + 1,
        ...(hasCutText(response) && { isCut: true }),
      }
    : {
        ...about,
        status: 'error',
        error: failure.message ?? 'The agent failed.',
        errorCode: failure.errorCode ?? 'agent_error',
        ...retryAfterSchema.safeParse(failure.details).data,
      };
}

/** Returns how a run ended according to its record; `undefined` if it has not ended. */
export function recordedOutcome(record: RecordedEnd): EndedOutcome | undefined {
  if (!isEnded(record)) return undefined;
  const { status, message, response = '', messageCount = 0, error = '', errorCode = '', retryAfterSeconds } = record;
  const about = message !== undefined && { requestMessage: message };
  return status === 'completed'
    ? { ...about, status: 'success', response, messageCount }
    : { ...about, status: 'error', error, errorCode, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

/** Returns the approvals that a run waits for; `undefined` if it waits for none, for example because all have expired. */
export function findWaiting(state: ThreadState, correlationId: string): WaitingOutcome | undefined {
  const { waitingRun } = waitingStateOf(state);
  if (waitingRun?.request.correlationId !== correlationId) return undefined;
  const approvals = decidableApprovals(waitingRun, new Date());
  if (approvals.length === 0) return undefined;
  return { status: 'waiting', requestMessage: waitingRun.request.message, approvals };
}

function hasCutText({ messages = [] }: ThreadEntry): boolean {
  return messages.some(({ contents = [] }) => contents.some((content) => content.$type === 'text' && isCut(content)));
}

import type { HttpResponseInit } from '@azure/functions';
import { toOpenApproval } from './approval-view.js';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import type { ErrorDescription } from '../../functions/with-error-handling.js';

export type ResponseFormat = RunRequest['responseType'];

/** The answer to a run request, as JSON and as text. */
export interface RunAnswer {
  readonly status: number;
  readonly text: string;
  /** Its keys are in the order of the wire. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `Retry-After` of a run that has not ended, in seconds. */
export const RUN_RETRY_AFTER_SECONDS = 2;

export function acceptedAnswer(run: RunRequest, threadId: string): RunAnswer {
  const response = 'Agent request accepted';
  const json = { response, ...answerKeys(run, threadId, 'accepted') };
  return { status: 202, text: response, json, headers: statusHeaders(run, threadId) };
}

/** Returns the answer to a caller whose wait timed out. */
export function timeoutAnswer(run: RunRequest, threadId: string, status: 202 | 500): RunAnswer {
  const response = 'Agent is still processing or timed out...';
  const json = { response, ...answerKeys(run, threadId, 'timeout') };
  return { status, text: response, json, headers: statusHeaders(run, threadId) };
}

/** Returns the answer to a caller whose run has ended or waits for approval. */
export function outcomeAnswer(run: RunRequest, threadId: string, outcome: RunOutcome): RunAnswer {
  if (outcome.status === 'waiting') {
    const response = 'Agent run is waiting for approval';
    const approvals = outcome.approvals.map(toOpenApproval);
    const json = { response, ...answerKeys(run, threadId, 'waiting_for_approval'), approvals };
    // No `Retry-After`, because the wait can take days.
    return { status: 202, text: response, json, headers: { location: statusLocation(run, threadId) } };
  }
  if (outcome.status === 'error') {
    const { error, errorCode, retryAfterSeconds } = outcome;
    return {
      status: 502,
      text: error,
      json: { error, ...answerKeys(run, threadId, 'error', { error_code: errorCode }, { errorCode }) },
      ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': `${Math.ceil(retryAfterSeconds)}` } }),
    };
  }
  const { response, messageCount } = outcome;
  return {
    status: 200,
    text: response,
    json: {
      response,
      ...answerKeys(run, threadId, 'success', { message_count: messageCount }, { messageCount }),
      ...(run.responseSchema && structuredResponse(response)),
    },
  };
}

/** Returns nothing if an earlier request with the same idempotency key asked for text. */
function structuredResponse(response: string): { readonly structured_response: unknown } | undefined {
  try {
    return { structured_response: JSON.parse(response) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @param details - further keys of the JSON answer */
export function failedAnswer(
  { status, message, headers }: ErrorDescription,
  details: Readonly<Record<string, string>> = {},
): RunAnswer {
  return { status, text: message, json: { error: message, ...details }, headers };
}

/** @param url - the URL of the run request, which the answer's `Location` is relative to */
export function toResponse(
  { status, text, json, headers: own = {} }: RunAnswer,
  format: ResponseFormat,
  threadId: string,
  url: string,
): HttpResponseInit {
  const { location } = own;
  const isBelow = location !== undefined && new URL(url).pathname.endsWith('/');
  const headers = { ...own, ...(isBelow && { location: `../${location}` }), 'x-ms-session-id': headerText(threadId) };
  if (format === 'json') return { status, headers, jsonBody: json };
  const textHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': headerText(threadId) };
  return { status, headers: { ...headers, ...textHeaders }, body: text };
}

/** Returns `Location`, relative to the run endpoint, and `Retry-After`. */
function statusHeaders(run: RunRequest, threadId: string): Readonly<Record<string, string>> {
  return {
    location: statusLocation(run, threadId),
    'retry-after': String(RUN_RETRY_AFTER_SECONDS),
  };
}

function statusLocation({ correlationId }: RunRequest, threadId: string): string {
  return `threads/${encodeURIComponent(threadId)}/runs/${correlationId}`;
}

/**
 * Returns a thread id for a header: unchanged if it is printable ASCII without `%`, otherwise percent-encoded UTF-8.
 */
export function headerText(threadId: string): string {
  return /^[ -$&-~]*$/.test(threadId) ? threadId : encodeURIComponent(threadId);
}

/** Returns the keys of the Python sample, followed by the newer names of the original. */
function answerKeys(
  { message, correlationId }: RunRequest,
  threadId: string,
  status: string,
  samplesLast: Readonly<Record<string, string | number>> = {},
  newLast: Readonly<Record<string, string | number>> = {},
): Record<string, string | number> {
  return {
    message,
    thread_id: threadId,
    status,
    correlation_id: correlationId,
    ...samplesLast,
    session_id: threadId,
    sessionId: threadId,
    correlationId,
    ...newLast,
  };
}

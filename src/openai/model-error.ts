import { APIConnectionError, APIError, APIUserAbortError, OpenAIError } from 'openai';
import { AgentError, type AgentErrorOptions } from '../durable-agents/index.js';
import { errorText } from '../functions/error-text.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import {
  contentFilterError,
  isContextLengthExceeded,
  isDeploymentMissing,
  isFiltered,
  isNetworkRefused,
  isRateLimited,
  isStreamRefused,
  isTimeout,
  type ModelFailure,
  readModelFailure,
} from './model-failure.js';
import { retryAfterSeconds } from './retry-after.js';

/** Maximum length of a provider's error message in the log. */
const MAX_QUOTED_CHARS = 300;

/** How to quote a provider's error message in the log. */
export interface ErrorQuoting {
  /** Removes secrets. */
  readonly redact: (text: string) => string;
  /** False keeps the provider's message out of the log, because it may quote the conversation. */
  readonly quotesErrors: boolean;
}

/** Why a model call failed. The message may be logged. */
class ModelCallError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ModelCallError';
  }
}

/** The model could not be reached. Its message names the host and the reason, for the log. */
export class ModelConnectionError extends Error {
  constructor(host: string, reason: unknown) {
    // `fetch` gives no reason for status 407.
    const isUnknown = reason instanceof Error && reason.message === '';
    super(`${host} could not be reached: ${isUnknown ? 'a proxy may require authentication' : errorText(reason)}`);
    this.name = 'ModelConnectionError';
  }
}

/**
 * Converts the error of a model call to an error with a message of this app. `cause` contains the provider's message,
 * shortened, cleaned and without secrets.
 */
export function toAgentError(error: unknown, quoting: ErrorQuoting): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof APIUserAbortError) {
    return new AgentError('run_aborted', 'The run was aborted before the model had answered.', { cause: error });
  }
  if (error instanceof APIConnectionError) {
    const cause = error.cause instanceof ModelConnectionError ? error.cause : new ModelCallError(errorText(error));
    return new AgentError('connection_failed', 'The model could not be reached.', { cause });
  }
  if (error instanceof APIError) {
    const wait = error.headers === undefined ? undefined : retryAfterSeconds(error.headers);
    return statusError(readModelFailure(error.error, error.status, wait), quoting, error.requestID ?? undefined);
  }
  // The SDK's error if it gets no token. The token provider's error says why.
  if (error instanceof OpenAIError && error.cause instanceof AgentError) return error.cause;
  // The error of fetch if the socket is cut after the headers.
  if (error instanceof TypeError && error.message === 'terminated') return lostConnection(error);
  return AgentError.from(error);
}

/**
 * Converts an error that the endpoint sent inside an answer with status 200.
 *
 * @param hasBegun - whether the reader has seen part of the answer. If not, the error gets the code that its HTTP
 * status would give.
 */
export function streamError(body: unknown, hasBegun: boolean, quoting: ErrorQuoting): AgentError {
  const failure = readModelFailure(body);
  const named = statusError(failure, quoting);
  if (named.code === 'content_filter' || named.code === 'rate_limited') return named;
  if (!hasBegun && named.code === 'model_unavailable') {
    // As the SDK does for the same error with a status.
    return named.with({ recovery: 'retry' });
  }
  if (!hasBegun && failure.status !== undefined) return named;
  return new AgentError('model_error', 'The model reported an error while it was answering.', { cause: named.cause });
}

function statusError(failure: ModelFailure, quoting: ErrorQuoting, requestId?: string): AgentError {
  const cause = describeFailure(failure, quoting, requestId);
  const as = (code: string, message: string, options?: AgentErrorOptions): AgentError =>
    new AgentError(code, message, { cause, ...options });
  const { status, retryAfterSeconds: seconds } = failure;
  if (isFiltered(failure)) return contentFilterError(failure.categories, cause);
  if (isContextLengthExceeded(failure)) {
    return as('context_length_exceeded', 'The conversation is longer than the model can take.');
  }
  if (isDeploymentMissing(failure)) {
    return as('deployment_not_found', 'The model deployment was not found.');
  }
  if (isNetworkRefused(failure)) {
    return as('authentication_failed', 'The network rules of the model refuse this app.');
  }
  if (isRateLimited(failure)) {
    const wait = seconds === undefined ? '' : ` Try again in ${seconds} s.`;
    return as('rate_limited', `The model is over its rate limit.${wait}`, { retryAfterSeconds: seconds });
  }
  if (isTimeout(status)) return as('model_timeout', `The model did not answer in time (status ${status}).`);
  switch (status) {
    case 401:
    case 403:
      return as('authentication_failed', 'The model refused the key or identity of this app.');
    case 404:
      return as('endpoint_not_found', 'The model endpoint does not know the path. Check AZURE_OPENAI_ENDPOINT.');
    case undefined:
      return as('model_error', 'The model reported an error while it was answering.');
  }
  if (status < 400) {
    return as('endpoint_redirected', 'The model endpoint redirects elsewhere. Check AZURE_OPENAI_ENDPOINT.');
  }
  const rejected = `The model rejected the request (status ${status}).`;
  if (isStreamRefused(failure)) return as('model_rejected_request', rejected, { recovery: 'retry-without-streaming' });
  if (status >= 500) {
    return as('model_unavailable', `The model is unavailable (status ${status}).`, { retryAfterSeconds: seconds });
  }
  return as('model_rejected_request', rejected);
}

/** Describes a failure for the log: facts, and the provider's message if it may be quoted. */
function describeFailure(failure: ModelFailure, quoting: ErrorQuoting, requestId: string | undefined): ModelCallError {
  const { status, text } = failure;
  const request = requestId === undefined ? '' : `request ${cleanForeignText(quoting.redact(requestId), 60)}`;
  const facts = [status === undefined ? '' : `status ${status}`, request].filter(Boolean).join(', ');
  const quoted = quoting.quotesErrors ? cleanForeignText(quoting.redact(text), MAX_QUOTED_CHARS) : '';
  return new ModelCallError([facts, quoted && `"${quoted}"`].filter(Boolean).join(' '));
}

function lostConnection(error: TypeError): AgentError {
  const cause = new ModelCallError(errorText(error));
  return new AgentError('connection_lost', 'The connection to the model was lost before its answer was complete.', {
    cause,
    recovery: 'retry',
  });
}

import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  OpenAIError,
  RateLimitError,
} from 'openai';
import { ZodError } from 'zod';
import { AgentError } from '../durable-agents/index.js';
import { retryAfterSeconds } from './retry-after.js';

/**
 * Says in our own words what went wrong with a model call: the provider's may name the endpoint or part of a key, and
 * stay in `cause` for the log.
 */
export function toAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof APIUserAbortError) {
    return new AgentError('run_aborted', 'The run was aborted before the model had answered.', { cause: error });
  }
  if (error instanceof APIConnectionTimeoutError) {
    return new AgentError('model_timeout', 'The model did not begin to answer in time.', { cause: error });
  }
  if (error instanceof APIConnectionError) {
    return new AgentError('connection_failed', 'The model could not be reached.', { cause: error });
  }
  if (error instanceof APIError) return fromApiError(error);
  // A line of the stream that is no JSON, or JSON that is no chunk.
  if (error instanceof SyntaxError || error instanceof ZodError) {
    return new AgentError('malformed_response', 'The model sent a response that could not be read.', {
      cause: error,
      recovery: 'retry',
    });
  }
  // What fetch throws for a socket that was cut behind the headers.
  if (error instanceof TypeError && error.message === 'terminated') {
    return new AgentError('connection_lost', 'The connection to the model was lost before its answer was complete.', {
      cause: error,
      recovery: 'retry',
    });
  }
  // What the SDK throws when it is given no token; the token provider says why.
  if (error instanceof OpenAIError && error.cause instanceof AgentError) return error.cause;
  return AgentError.from(error);
}

const REDIRECTED =
  'The model endpoint redirects to another address, which is not followed. Check AZURE_OPENAI_ENDPOINT.';

function fromApiError(error: APIError): AgentError {
  if (error.code === 'content_filter') return contentFilterError(error);
  if (error instanceof RateLimitError) {
    const seconds = retryAfterSeconds(error.headers);
    const wait = seconds === undefined ? '' : ` Try again in ${seconds} s.`;
    return new AgentError('rate_limited', `The model is over its rate limit.${wait}`, { cause: error });
  }
  switch (error.status) {
    case 401:
    case 403:
      return new AgentError('authentication_failed', 'The model refused the key or identity of this app.', {
        cause: error,
      });
    case 404:
      return new AgentError('deployment_not_found', 'The model deployment was not found.', { cause: error });
    case undefined:
      return new AgentError('model_error', 'The model reported an error while it was answering.', { cause: error });
    default:
      if (error.status < 400) {
        return new AgentError('endpoint_redirected', REDIRECTED, { cause: error });
      }
      if (error.status >= 500) {
        return new AgentError('model_unavailable', `The model is unavailable (status ${error.status}).`, {
          cause: error,
        });
      }
      return new AgentError('model_rejected_request', `The model rejected the request (status ${error.status}).`, {
        cause: error,
        ...(isStreamingRefused(error) && { recovery: 'retry-without-streaming' as const }),
      });
  }
}

/** The model, or its filter, withheld the answer. */
export function contentFilterError(cause?: unknown): AgentError {
  return new AgentError('content_filter', 'The content filter of the model withheld the answer.', { cause });
}

/** Some deployments answer, but not as a stream: the rejection names the parameter. */
function isStreamingRefused(error: APIError): boolean {
  return error.status === 400 && (error.param === 'stream' || error.param === 'stream_options');
}

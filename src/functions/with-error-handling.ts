import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { errorText } from './error-text.js';
import { HttpError } from './http-error.js';
import { InvocationLog, type Logger } from './logger.js';
import { UnavailableError } from './unavailable-error.js';

/** Handles a request. Lines written to `log` belong to the invocation until the handler returns. */
export type LoggingHandler = (
  request: HttpRequest,
  context: InvocationContext,
  log: Logger,
) => HttpResponseInit | Promise<HttpResponseInit>;

/**
 * Wraps a handler so that the client always gets a response: anything thrown becomes a JSON error. With HTTP streaming,
 * the host never responds if a handler throws. Logs errors whose details the caller must not see.
 */
export function withErrorHandling(handler: LoggingHandler): HttpHandler {
  return async (request, context) => {
    const log = new InvocationLog(context);
    try {
      assertHeadersAreReal(request);
      return exposingHeaders(await handler(request, context, log));
    } catch (error) {
      const { status, message, headers } = describeError(error, context);
      // Otherwise a browser or proxy may cache a 404 and hide what was created since.
      const uncached = { 'cache-control': 'no-store', ...headers };
      return exposingHeaders({ status, headers: uncached, jsonBody: { error: message } });
    } finally {
      log.end();
    }
  };
}

/** Headers that scripts from other origins can read by default, or must not read. */
const notExposed =
  /^(cache-control|content-.*|access-control-.*|set-cookie|cross-origin-.*|referrer-policy|x-accel-buffering|x-content-type-options)$/i;

/** Lets pages from other origins read the headers, if the host's CORS settings allow the origin. */
function exposingHeaders(response: HttpResponseInit): HttpResponseInit {
  const headers = Object.fromEntries(new Headers(response.headers));
  const names = Object.keys(headers).filter((name) => !notExposed.test(name));
  if (names.length === 0) return response;
  return { ...response, headers: { ...headers, 'access-control-expose-headers': names.join(', ') } };
}

/** The response to a failed request. Never contains a stack trace, a key or an address. */
export interface ErrorDescription {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

const UNAVAILABLE_RETRY_AFTER_SECONDS = 2;

export function describeError(thrown: unknown, context: InvocationContext): ErrorDescription {
  const error = thrown instanceof UnavailableError ? toHttpError(thrown) : thrown;
  if (error instanceof HttpError) {
    const { status, message, retryAfterSeconds, cause } = error;
    if (status >= 500 && cause !== undefined) {
      context.warn(
        `[${context.functionName}] invocation ${context.invocationId} responds ${status}: ${message} Cause: ${errorText(cause)}`,
      );
    }
    return {
      status,
      message,
      headers: retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` },
    };
  }
  context.error(
    `[${context.functionName}] invocation ${context.invocationId} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return {
    status: 500,
    headers: {},
    message: `The request failed unexpectedly. See the log of invocation ${context.invocationId}.`,
  };
}

function toHttpError({ message, cause }: UnavailableError): HttpError {
  return new HttpError(503, message, { cause, retryAfterSeconds: UNAVAILABLE_RETRY_AFTER_SECONDS });
}

/**
 * Detects hidden headers by the missing `host`, which every HTTP request has. The host replaces all headers if a query
 * parameter or a top-level property of a JSON body is named `headers`.
 */
function assertHeadersAreReal(request: HttpRequest): void {
  if (!request.headers.has('host')) {
    throw new HttpError(
      400,
      'The request has no host header. Rename any query parameter or top-level JSON property called "headers".',
    );
  }
}

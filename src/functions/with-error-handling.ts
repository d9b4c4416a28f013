import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { errorText } from './error-text.js';
import { HttpError } from './http-error.js';
import { InvocationLog, type Logger } from './logger.js';
import { UnavailableError } from './unavailable-error.js';

/** Answers a request. Lines written to `log` belong to the invocation until the handler has returned. */
export type LoggingHandler = (
  request: HttpRequest,
  context: InvocationContext,
  log: Logger,
) => HttpResponseInit | Promise<HttpResponseInit>;

/**
 * Wraps a handler so that it always answers. With HTTP streaming the host never answers a client whose handler throws,
 * so anything thrown becomes a JSON error. Errors that are not meant for the caller are logged.
 */
export function withErrorHandling(handler: LoggingHandler): HttpHandler {
  return async (request, context) => {
    const log = new InvocationLog(context);
    try {
      assertHeadersAreReal(request);
      return exposingHeaders(await handler(request, context, log));
    } catch (error) {
      const { status, message, headers } = describeError(error, context);
      return exposingHeaders({ status, headers, jsonBody: { error: message } });
    } finally {
      log.end();
    }
  };
}

/** Headers that scripts of other origins may read by default, or must not. */
const notExposed =
  /^(cache-control|content-.*|access-control-.*|set-cookie|cross-origin-.*|referrer-policy|x-accel-buffering|x-content-type-options)$/i;

/** Lets a web page on another origin read the headers, if the host allows that origin by CORS. */
function exposingHeaders(response: HttpResponseInit): HttpResponseInit {
  const headers = Object.fromEntries(new Headers(response.headers));
  const names = Object.keys(headers).filter((name) => !notExposed.test(name));
  if (names.length === 0) return response;
  return { ...response, headers: { ...headers, 'access-control-expose-headers': names.join(', ') } };
}

/** What the caller of a failed request is told. Never holds a stack, a key or an address. */
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
        `[${context.functionName}] invocation ${context.invocationId} is answered ${status}: ${message} Its cause: ${errorText(cause)}`,
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
    message: `The request failed unexpectedly. The log of invocation ${context.invocationId} says why.`,
  };
}

function toHttpError({ message, cause }: UnavailableError): HttpError {
  return new HttpError(503, message, { cause, retryAfterSeconds: UNAVAILABLE_RETRY_AFTER_SECONDS });
}

/**
 * A query parameter, or a top-level property of a JSON body, with the name `headers` makes the host hide all real
 * headers, `host` among them, which every HTTP request has.
 */
function assertHeadersAreReal(request: HttpRequest): void {
  if (!request.headers.has('host')) {
    throw new HttpError(
      400,
      'The request has no host header, or hides it: send no query parameter and no JSON property named "headers".',
    );
  }
}

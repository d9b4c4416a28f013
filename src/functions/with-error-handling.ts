import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { errorText } from './error-text.js';
import { HttpError } from './http-error.js';
import { withInvocationLog } from './invocation-log.js';

/**
 * Wraps a handler so that it always answers. With HTTP streaming the host gives the client of a handler that throws no
 * answer at all, so anything thrown becomes a JSON error, and is logged when it was not meant for the caller.
 */
export function withErrorHandling(handler: HttpHandler): HttpHandler {
  return (request, context) =>
    withInvocationLog(context, async () => {
      try {
        assertHeadersAreReal(request);
        return await handler(request, context);
      } catch (error) {
        const { status, message, headers } = describeError(error, context);
        return { status, headers, jsonBody: { error: message } } satisfies HttpResponseInit;
      }
    });
}

/** What the caller of a failed request is told. Never holds a stack, a key or an address. */
export interface ErrorDescription {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function describeError(error: unknown, context: InvocationContext): ErrorDescription {
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

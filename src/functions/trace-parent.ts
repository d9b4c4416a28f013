import type { HttpRequest, InvocationContext } from '@azure/functions';

/** W3C Trace Context, version 00: trace id, span id, flags. */
const TRACE_PARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The span that a request belongs to, as a `traceparent` header holds it. The host's span wins if the host records it.
 * A host that exports no traces gives none, or one that is marked as not sampled: then the caller's own header counts.
 *
 * @returns `undefined` if neither the host nor the caller gave one
 */
export function incomingTraceParent(
  request: Pick<HttpRequest, 'headers'>,
  { traceContext }: Pick<InvocationContext, 'traceContext'>,
): string | undefined {
  const hosts = validTraceParent(traceContext?.traceParent);
  if (hosts?.endsWith('-01') === true) return hosts;
  return validTraceParent(request.headers.get('traceparent')) ?? hosts;
}

function validTraceParent(value: string | null | undefined): string | undefined {
  return value !== null && value !== undefined && TRACE_PARENT.test(value) ? value : undefined;
}

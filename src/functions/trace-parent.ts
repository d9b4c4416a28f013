import type { InvocationContext } from '@azure/functions';

/** W3C Trace Context, version 00: trace id, span id, flags. */
const TRACE_PARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Returns the span that a request belongs to, in `traceparent` format: the host's span if the host samples it, otherwise
 * the caller's. A host that exports no traces passes no span, or one that is not sampled.
 *
 * @returns `undefined` if neither the host nor the caller sent one
 */
export function incomingTraceParent(
  request: { readonly headers: Pick<Headers, 'get'> },
  { traceContext }: Pick<InvocationContext, 'traceContext'>,
): string | undefined {
  const hosts = validTraceParent(traceContext?.traceParent);
  if (hosts?.endsWith('-01') === true) return hosts;
  return validTraceParent(request.headers.get('traceparent')) ?? hosts;
}

function validTraceParent(value: string | null | undefined): string | undefined {
  return value !== null && value !== undefined && TRACE_PARENT.test(value) ? value : undefined;
}

import { HttpRequest, type PreInvocationContext } from '@azure/functions';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { incomingTraceParent } from '../functions/trace-parent.js';

/**
 * A `preInvocation` hook that runs each function within the host's span of its invocation, or else within the caller's
 * span, so that spans of the function become its children.
 */
export function bindInvocation(invocation: PreInvocationContext): void {
  const { functionHandler: handler, invocationContext, inputs } = invocation;
  const [input] = inputs;
  const { headers } = input instanceof HttpRequest ? input : { headers: new Headers() };
  const traceparent = incomingTraceParent({ headers }, invocationContext);
  if (traceparent === undefined) return;
  const bound = propagation.extract(ROOT_CONTEXT, {
    traceparent,
    tracestate: invocationContext.traceContext?.traceState,
  });
  invocation.functionHandler = (...parameters) => context.with(bound, () => handler(...parameters));
}

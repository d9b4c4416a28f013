import { type Span, SpanStatusCode } from '@opentelemetry/api';
import { names } from './attributes.js';

/**
 * Marks a span as failed, and records an exception, because Azure's exporter drops all other details of an error.
 *
 * @param error - its message must be redacted, and must not quote the provider or the tool
 */
export function failSpan(span: Span, { code, message }: { readonly code: string; readonly message: string }): void {
  span.setAttributes({ [names.errorType]: code, [names.errorCode]: code });
  span.recordException({ name: code, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

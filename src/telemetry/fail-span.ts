import { type Span, SpanStatusCode } from '@opentelemetry/api';
import { names } from './attributes.js';

/**
 * Marks a span as failed. The exception is what Azure's exporter keeps of an error.
 *
 * @param error its message is redacted, and quotes neither provider nor tool
 */
export function failSpan(span: Span, { code, message }: { readonly code: string; readonly message: string }): void {
  span.setAttributes({ [names.errorType]: code, [names.errorCode]: code });
  span.recordException({ name: code, message });
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

import { z } from 'zod';

export type AttributeValue = string | number | boolean | readonly unknown[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A span received over OTLP. */
export interface ReceivedSpan {
  readonly name: string;
  /** 1: internal; 3: client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root span. */
  readonly parentSpanId: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** 0: unset; 2: error. */
  readonly statusCode: number;
}

const anyValue = z.record(z.string(), z.unknown());
const keyValues = z.array(z.object({ key: z.string(), value: anyValue })).default([]);
const nanoseconds = z.union([z.string(), z.number()]).transform((time) => Number(BigInt(time) / 1000n) / 1000);

const spanSchema = z.object({
  name: z.string(),
  kind: z.number(),
  traceId: z.string(),
  spanId: z.string(),
  // For a root span, JSON omits it and protobuf sends it empty.
  parentSpanId: z.string().default(''),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes: keyValues,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  events: z.array(z.object({ name: z.string(), attributes: keyValues })).default([]),
  status: z.object({ code: z.number().default(0) }).default({ code: 0 }),
});

const tracesSchema = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })).default([]) })),
});

/**
 * Reads the spans of a request to `/v1/traces` in JSON.
 *
 * @throws ZodError if the payload is not OTLP
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function spansIn(payload: unknown): ReceivedSpan[] {
  const spans = tracesSchema
    .parse(payload)
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  return spans.map(({ startTimeUnixNano: startMs, endTimeUnixNano: endMs, attributes, events, status, ...span }) => ({
    ...span,
    startMs,
    endMs,
    attributes: toAttributes(attributes),
    events: events.map((event) => ({ name: event.name, attributes: toAttributes(event.attributes) })),
    statusCode: status.code,
  }));
}

/** Returns attributes as plain values by name. */
export function toAttributes(attributes: z.infer<typeof keyValues> = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: z.infer<typeof anyValue>): AttributeValue {
  const [kind = '', inner] = Object.entries(value)[0] ?? [];
  if (kind === 'arrayValue')
    return z
      .object({ values: z.array(anyValue).default([]) })
      .parse(inner)
      .values.map(toValue);
  if (kind === 'intValue') return Number(inner);
  const isPlain = typeof inner === 'string' || typeof inner === 'number' || typeof inner === 'boolean';
  return isPlain ? inner : JSON.stringify(inner ?? null);
}

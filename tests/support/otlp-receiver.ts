import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { listenOnLoopback } from './listen-on-loopback.js';
import { decodeOtlp } from './otlp-proto.js';

export type AttributeValue = string | number | boolean | readonly unknown[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A received span. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root span. */
  readonly parentSpanId: string;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** 0: unset; 2: error. */
  readonly statusCode: number;
}

/** A received data point of a metric. */
export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** The value of a counter. */
  readonly value: number | undefined;
  /** The values of a histogram. */
  readonly count: number | undefined;
  readonly bounds: readonly number[];
}

export interface OtlpReceiver {
  readonly endpoint: string;
  readonly spans: ReceivedSpan[];
  readonly points: ReceivedPoint[];
  readonly contentTypes: Set<string>;
  readonly serviceNames: Set<AttributeValue | undefined>;
  close(): void;
}

/** A collector on loopback that accepts OTLP over HTTP, as JSON and as protobuf. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received = {
    spans: [] as ReceivedSpan[],
    points: [] as ReceivedPoint[],
    contentTypes: new Set<string>(),
    serviceNames: new Set<AttributeValue | undefined>(),
  };
  const server = createServer((request, response) => {
    void (async () => {
      const raw = await buffer(request);
      const type = request.headers['content-type'] ?? '';
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const path = request.url ?? '';
      received.contentTypes.add(type);
      const payload: Payload = type.includes('json')
        ? JSON.parse(body.toString())
        : (decodeOtlp(path, body) as Payload);
      for (const group of payload.resourceSpans ?? payload.resourceMetrics ?? []) {
        received.serviceNames.add(toAttributes(group.resource?.attributes)['service.name']);
        for (const scope of group.scopeSpans ?? []) received.spans.push(...scope.spans.map(toSpan));
        for (const scope of group.scopeMetrics ?? []) received.points.push(...scope.metrics.flatMap(toPoints));
      }
      response.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : '');
    })();
  });
  const endpoint = await listenOnLoopback(server);
  return {
    ...received,
    endpoint,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function toAttributes(attributes: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: Readonly<Record<string, unknown>>): AttributeValue {
  const [kind = '', inner] = Object.entries(value)[0] ?? [];
  if (kind === 'arrayValue') return (inner as { values: Record<string, unknown>[] }).values.map(toValue);
  return kind === 'intValue' ? Number(inner) : (inner as AttributeValue);
}

interface WireSpan extends Omit<ReceivedSpan, 'attributes' | 'events' | 'statusCode' | 'links'> {
  readonly attributes?: readonly KeyValue[];
  readonly links?: ReceivedSpan['links'];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly KeyValue[] }[];
  readonly status?: { readonly code?: number };
}

interface WirePoint {
  readonly attributes?: readonly KeyValue[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly count?: number | string;
  readonly explicitBounds?: readonly number[];
}

interface WireMetric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { readonly dataPoints: readonly WirePoint[] };
  readonly histogram?: { readonly dataPoints: readonly WirePoint[] };
}

interface WireGroup {
  readonly resource?: { readonly attributes?: readonly KeyValue[] };
  readonly scopeSpans?: readonly { readonly spans: readonly WireSpan[] }[];
  readonly scopeMetrics?: readonly { readonly metrics: readonly WireMetric[] }[];
}

interface Payload {
  readonly resourceSpans?: readonly WireGroup[];
  readonly resourceMetrics?: readonly WireGroup[];
}

function toSpan({ name, kind, traceId, spanId, parentSpanId, ...span }: WireSpan): ReceivedSpan {
  return {
    name,
    kind,
    traceId,
    spanId,
    // JSON omits it for a root, protobuf sends it empty.
    parentSpanId: parentSpanId ?? '',
    attributes: toAttributes(span.attributes),
    links: (span.links ?? []).map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    events: (span.events ?? []).map((event) => ({ name: event.name, attributes: toAttributes(event.attributes) })),
    statusCode: span.status?.code ?? 0,
  };
}

function toPoints({ name, unit, sum, histogram }: WireMetric): ReceivedPoint[] {
  return ((sum ?? histogram)?.dataPoints ?? []).map(({ asDouble, asInt, count, explicitBounds = [], attributes }) => ({
    name,
    unit,
    attributes: toAttributes(attributes),
    value: asDouble ?? (asInt === undefined ? undefined : Number(asInt)),
    count: count === undefined ? undefined : Number(count),
    bounds: explicitBounds,
  }));
}

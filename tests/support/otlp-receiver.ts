import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import {
  type Attributes,
  type AttributeValue,
  type ReceivedSpan,
  spansIn,
  toAttributes,
} from '../../local/telemetry/otlp-spans.js';
import { asyncListener } from './async-listener.js';
import { listenOnLoopback } from './listen-on-loopback.js';
import { decodeOtlp } from './otlp-proto.js';

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
  const server = createServer(
    asyncListener(async (request, response) => {
      const raw = await buffer(request);
      const type = request.headers['content-type'] ?? '';
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const path = request.url ?? '';
      received.contentTypes.add(type);
      const payload: Payload = type.includes('json')
        ? JSON.parse(body.toString())
        : (decodeOtlp(path, body) as Payload);
      if (payload.resourceSpans !== undefined) received.spans.push(...spansIn(payload));
      for (const group of payload.resourceSpans ?? payload.resourceMetrics ?? []) {
        received.serviceNames.add(toAttributes(group.resource?.attributes)['service.name']);
        for (const scope of group.scopeMetrics ?? []) received.points.push(...scope.metrics.flatMap(toPoints));
      }
      response.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : '');
    }),
  );
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

type KeyValues = Parameters<typeof toAttributes>[0];

interface WirePoint {
  readonly attributes?: KeyValues;
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
  readonly resource?: { readonly attributes?: KeyValues };
  readonly scopeMetrics?: readonly { readonly metrics: readonly WireMetric[] }[];
}

interface Payload {
  readonly resourceSpans?: readonly WireGroup[];
  readonly resourceMetrics?: readonly WireGroup[];
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

import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { errorText } from '../functions/error-text.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import type { Logger } from '../functions/logger.js';
import { withTimeout } from '../functions/time-limits.js';
import type { RunSpanIds } from './run-span-ids.js';
import type { ApplicationInsightsSettings, OtlpProtocol, TelemetrySettings } from './telemetry-settings.js';

/** Delay before a batch is sent. Short, because an instance may be stopped soon after its last run. */
const BATCH_DELAY_MS = 1000;
const EXPORT_TIMEOUT_MS = 2000;
/** Below the 5 s that the host waits for a worker to exit. */
export const STOP_TIMEOUT_MS = 4000;
const WARNING_INTERVAL_MS = 60_000;

/** Where spans and metrics go. */
interface Sink {
  readonly spans: SpanExporter;
  readonly metrics: PushMetricExporter;
}

/** Further options of the exporter, for tests with a sink on loopback. */
export type ExporterOptions = Readonly<Record<string, unknown>>;

/** A registered SDK. */
export interface RunningSdk {
  /** Flushes pending data for at most 4 seconds. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Loads the configured exporters and registers the SDK for the whole process. Callers never wait for a sink: spans are
 * dropped when the queue is full.
 */
export async function startSdk(
  settings: TelemetrySettings,
  ids: RunSpanIds,
  log: Logger,
  exporterOptions: ExporterOptions = {},
): Promise<RunningSdk> {
  const { serviceName, metricIntervalMs, otlpProtocol, applicationInsights } = settings;
  const sinks = await Promise.all([
    ...(otlpProtocol === undefined ? [] : [otlpSink(otlpProtocol)]),
    ...(applicationInsights === undefined ? [] : [applicationInsightsSink(applicationInsights, exporterOptions)]),
  ]);
  setGlobalErrorHandler(createErrorLog(log));
  const resource = resourceFromAttributes({ 'service.name': serviceName }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const tracers = new BasicTracerProvider({
    resource,
    idGenerator: ids,
    // A host that exports no traces marks its spans as not sampled.
    ...(process.env['OTEL_TRACES_SAMPLER'] === undefined && {
      sampler: new ParentBasedSampler({
        root: new AlwaysOnSampler(),
        remoteParentNotSampled: new AlwaysOnSampler(),
      }),
    }),
    spanProcessors: sinks.map(
      ({ spans }) =>
        new BatchSpanProcessor(spans, {
          ...(process.env['OTEL_BSP_SCHEDULE_DELAY'] === undefined && { scheduledDelayMillis: BATCH_DELAY_MS }),
        }),
    ),
  });
  const meters = new MeterProvider({
    resource,
    readers: sinks.map(
      (sink) =>
        new PeriodicExportingMetricReader({
          exporter: sink.metrics,
          exportIntervalMillis: metricIntervalMs,
          exportTimeoutMillis: Math.min(metricIntervalMs, EXPORT_TIMEOUT_MS),
        }),
    ),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  return {
    async stop() {
      try {
        await withTimeout(STOP_TIMEOUT_MS, () => Promise.all([tracers.shutdown(), meters.shutdown()]));
      } catch (error) {
        log.warn(`Some traces and metrics were not sent before the app stopped. ${shown(error)}`);
      }
    },
  };
}

async function otlpSink(protocol: OtlpProtocol): Promise<Sink> {
  const options = process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] === undefined ? { timeoutMillis: EXPORT_TIMEOUT_MS } : {};
  if (protocol === 'http/protobuf') {
    const [spans, metricsModule] = await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/exporter-metrics-otlp-proto'),
    ]);
    return { spans: new spans.OTLPTraceExporter(options), metrics: new metricsModule.OTLPMetricExporter(options) };
  }
  const [spans, metricsModule] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
  ]);
  return { spans: new spans.OTLPTraceExporter(options), metrics: new metricsModule.OTLPMetricExporter(options) };
}

/** Uses only the exporter: Azure's distribution takes 0.6 s to load and keeps only 5 traces a second. */
async function applicationInsightsSink(
  { connectionString, identityClientId }: ApplicationInsightsSettings,
  exporterOptions: ExporterOptions,
): Promise<Sink> {
  // Turns off the exporter's statistics about itself for Microsoft.
  process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] ??= 'true';
  const azure = await import('@azure/monitor-opentelemetry-exporter');
  const options = {
    connectionString,
    // Otherwise spans would be written to the disk of the instance.
    disableOfflineStorage: true,
    ...(identityClientId !== undefined && { credential: await managedIdentity(identityClientId) }),
    ...exporterOptions,
  };
  return {
    spans: new azure.AzureMonitorTraceExporter(options),
    metrics: new azure.AzureMonitorMetricExporter(options),
  };
}

async function managedIdentity(clientId: string) {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return clientId === '' ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
}

/** Logs at most one warning a minute, because every batch fails while a sink is down. */
function createErrorLog(log: Logger): (error: unknown) => void {
  let quietUntilMs = 0;
  return (error) => {
    const nowMs = performance.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + WARNING_INTERVAL_MS;
    log.warn(`Traces or metrics could not be sent; runs continue. ${shown(error)}`);
  };
}

function shown(error: unknown): string {
  return cleanForeignText(errorText(error), 300);
}

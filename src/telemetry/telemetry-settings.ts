/** Encoding of OTLP. The exporters read endpoint and headers from `OTEL_*` variables. */
export type OtlpProtocol = 'http/json' | 'http/protobuf';

/** Connection to Application Insights. */
export interface ApplicationInsightsSettings {
  readonly connectionString: string;
  /**
   * Signs in with the managed identity of this client id, or with the app's own if it is empty. `undefined`: with the
   * key.
   */
  readonly identityClientId?: string;
}

/** Destinations of traces and metrics. At least one is set. */
export interface TelemetrySettings {
  /** Name of the app in traces and metrics. */
  readonly serviceName: string;
  /** Whether spans contain messages, tool arguments and results. */
  readonly capturesContent: boolean;
  readonly metricIntervalMs: number;
  readonly otlpProtocol?: OtlpProtocol;
  readonly applicationInsights?: ApplicationInsightsSettings;
}

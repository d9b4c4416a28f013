/** How traces and metrics are sent over OTLP. The exporters read where, and with which headers, from `OTEL_*` variables. */
export type OtlpProtocol = 'http/json' | 'http/protobuf';

/** Where Application Insights is. */
export interface ApplicationInsightsSettings {
  readonly connectionString: string;
  /** Signs in with the managed identity of this client id, or with that of the app if it is empty. Optional. */
  readonly identityClientId?: string;
}

/** Where traces and metrics go: to one sink at least. */
export interface TelemetrySettings {
  /** The app, as sinks name it. */
  readonly serviceName: string;
  /** Whether spans hold messages, tool arguments and results. */
  readonly capturesContent: boolean;
  readonly metricIntervalMs: number;
  readonly otlpProtocol?: OtlpProtocol;
  readonly applicationInsights?: ApplicationInsightsSettings;
}

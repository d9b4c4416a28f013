import { z } from 'zod';
import type { TelemetrySettings } from '../telemetry/telemetry-settings.js';
import { integer } from './environment-values.js';
import { hostEnvironment } from './host-environment.js';

const PROTOCOLS = ['http/json', 'http/protobuf'] as const;

/** The environment variables that configure traces and metrics. The exporters read further `OTEL_*` variables. */
export const telemetryEnvironment = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: z
    .string()
    .regex(
      /(^|;)InstrumentationKey=[0-9a-f-]{36}(;|$)/i,
      'expected a connection string of Application Insights, such as InstrumentationKey=…;IngestionEndpoint=https://…',
    )
    .optional(),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: z
    .string()
    .regex(
      /(^|;)Authorization=AAD(;|$)/i,
      'expected Authorization=AAD, with ClientId=ID; before it for a user-assigned identity',
    )
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(isHttpUrl, 'expected the http or https URL of a collector, such as http://localhost:4318')
    .optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(PROTOCOLS, `expected ${PROTOCOLS.join(' or ')}`).default('http/json'),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_METRIC_EXPORT_INTERVAL: integer(100, 3_600_000).default(60_000),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false', '1', '0'], 'expected true or false'))
    .transform((value) => value === 'true' || value === '1')
    .default(false),
};

const environment = z.object({ ...telemetryEnvironment, WEBSITE_SITE_NAME: hostEnvironment.WEBSITE_SITE_NAME });

/** @returns `undefined` if no sink is set; telemetry is then not loaded */
export function toTelemetrySettings(values: z.infer<typeof environment>): TelemetrySettings | undefined {
  const connectionString = values.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const hasOtlp = values.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  if (connectionString === undefined && !hasOtlp) return undefined;
  const authentication = values.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
  const [, identityClientId = ''] = /(?:^|;)ClientId=([^;]*)/i.exec(authentication ?? '') ?? [];
  return {
    serviceName: values.OTEL_SERVICE_NAME ?? values.WEBSITE_SITE_NAME ?? 'durable-agents',
    capturesContent: values.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT,
    metricIntervalMs: values.OTEL_METRIC_EXPORT_INTERVAL,
    ...(hasOtlp && { otlpProtocol: values.OTEL_EXPORTER_OTLP_PROTOCOL }),
    ...(connectionString !== undefined && {
      applicationInsights: { connectionString, ...(authentication !== undefined && { identityClientId }) },
    }),
  };
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

import { describe, expect, it } from 'vitest';
import { loadSettings, SettingsError } from '../../src/settings/load-settings.js';

const required = {
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o-mini',
};
const connectionString =
  'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://example.com/';

const telemetry = (variables: Readonly<Record<string, string>>) =>
  loadSettings({ ...required, ...variables }).telemetry;

describe('the settings of telemetry', () => {
  it('disable telemetry without a sink', () => {
    expect(telemetry({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_SERVICE_NAME: 'x' })).toBeUndefined();
  });

  it('select OTLP as JSON by default', () => {
    expect(telemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' })).toEqual({
      serviceName: 'durable-agents',
      capturesContent: false,
      metricIntervalMs: 60_000,
      otlpProtocol: 'http/json',
    });
  });

  it('select Application Insights, with the identity of the app', () => {
    const settings = {
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=some-id;Authorization=AAD',
      WEBSITE_SITE_NAME: 'my-app',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'True',
    };
    expect(telemetry(settings)).toEqual({
      serviceName: 'my-app',
      capturesContent: true,
      metricIntervalMs: 60_000,
      applicationInsights: { connectionString, identityClientId: 'some-id' },
    });
    const withoutId = { ...settings, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' };
    expect(telemetry(withoutId)?.applicationInsights?.identityClientId).toBe('');
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json or http/protobuf'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'OTEL_EXPORTER_OTLP_ENDPOINT: expected the http or https URL'],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'abc', 'APPLICATIONINSIGHTS_CONNECTION_STRING: expected a connection'],
    ['APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'abc', 'AUTHENTICATION_STRING: expected Authorization=AAD'],
    ['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT', 'SPAN_ONLY', 'expected true or false'],
  ])('reject %s=%s with the expected format', (name, value, problem) => {
    expect(() => telemetry({ [name]: value })).toThrow(SettingsError);
    expect(() => telemetry({ [name]: value })).toThrow(problem);
  });
});

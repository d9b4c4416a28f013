import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApplicationInsightsSettings } from '../../src/telemetry/telemetry-settings.js';
import { startApplicationInsightsReceiver } from '../support/application-insights-receiver.js';
import { content, finishChunk, usageChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, streamed } from '../support/model-server.js';
import { forgetSdk, tracedRun, withTelemetry } from '../support/received-telemetry.js';
import { createRecordingLog } from '../support/recording-log.js';
import { runRequest } from '../support/run-request.js';

const instrumentationKey = '11111111-2222-3333-4444-555555555555';
const connectionString = `InstrumentationKey=${instrumentationKey};IngestionEndpoint=https://example.invalid/`;
const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const usage = { prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 };
const sunny = streamed([content('Sun'), content('ny.'), finishChunk(), usageChunk(usage)]);

beforeEach(() => void vi.stubEnv('APPLICATION_INSIGHTS_NO_STATSBEAT', 'true'));
afterEach(() => {
  vi.unstubAllEnvs();
  forgetSdk();
});

/** The items of a run that arrive at a fake ingestion endpoint of Application Insights. */
async function received(reply: ModelReply, settings: Partial<ApplicationInsightsSettings> = {}, options: object = {}) {
  const receiver = await startApplicationInsightsReceiver();
  const log = createRecordingLog();
  const request = runRequest({ traceParent: `00-${callersTrace}-b7ad6b7169203331-01` });
  await withTelemetry(
    { applicationInsights: { connectionString, ...settings } },
    log,
    (telemetry) => tracedRun(reply, telemetry, { request }),
    { host: receiver.host, allowInsecureConnection: true, ...options },
  );
  const dependencies = receiver.envelopes.filter(({ data }) => data.baseType === 'RemoteDependencyData');
  const named = (name: string) => dependencies.find(({ data }) => data.baseData.name === name);
  return { receiver, log, run: named('invoke_agent CallbackAgent'), chat: named('chat gpt-4o') };
}

describe('Application Insights', () => {
  it('receives what its Agents view needs, in one trace with the caller', async () => {
    const { receiver, run, chat } = await received(sunny);
    expect([...receiver.paths]).toEqual(['/v2.1/track']);
    expect(run?.iKey).toBe(instrumentationKey);
    expect(run?.tags).toMatchObject({
      'ai.operation.id': callersTrace,
      'ai.operation.parentId': 'b7ad6b7169203331',
      'ai.cloud.role': 'my-app',
    });
    expect(run?.data.baseData).toMatchObject({
      success: true,
      properties: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'CallbackAgent',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.conversation.id': 'thread-1',
        'gen_ai.usage.input_tokens': '50',
        'gen_ai.usage.output_tokens': '7',
        'microsoft.gen_ai.main_agent.name': 'CallbackAgent',
        'microsoft.gen_ai.main_agent.conversation_id': 'thread-1',
        'durable_agent.attempt': '1',
      },
    });
    // A direct child, because the view joins only one level.
    expect(chat?.tags['ai.operation.parentId']).toBe(run?.data.baseData.id);
    expect(chat?.data.baseData.properties).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': '50',
      'microsoft.gen_ai.main_agent.name': 'CallbackAgent',
    });
  });

  it('receives the code of a failure as an attribute and an exception, because its exporter drops error.type', async () => {
    const { receiver, run } = await received(answered(401, { error: { message: 'No.' } }));
    expect(run?.data.baseData.success).toBe(false);
    expect(run?.data.baseData.properties).toMatchObject({ 'durable_agent.error_code': 'authentication_failed' });
    expect(run?.data.baseData.properties).not.toHaveProperty('error.type');
    const exceptions = receiver.envelopes.filter(({ data }) => data.baseType === 'ExceptionData');
    expect(exceptions.flatMap(({ data }) => data.baseData.exceptions?.map(({ typeName }) => typeName))).toContain(
      'authentication_failed',
    );
  });

  it('receives metrics', async () => {
    const { receiver } = await received(sunny);
    const metrics = receiver.envelopes.flatMap(({ data }) => data.baseData.metrics ?? []);
    expect(metrics.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['gen_ai.invoke_agent.duration', 'gen_ai.client.inference.usage.input_tokens']),
    );
  });
});

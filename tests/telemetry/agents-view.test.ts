import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../src/durable-agents/index.js';
import { builtInRedactors } from '../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../src/durable-agents/redaction/redaction.js';
import { startApplicationInsightsReceiver } from '../support/application-insights-receiver.js';
import { chatAgent } from '../support/ask-model.js';
import { chunk, content, finishChunk, usageChunk } from '../support/model-chunks.js';
import { startModelServer, streamed } from '../support/model-server.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { forgetSdk, withTelemetry } from '../support/received-telemetry.js';
import { createRecordingLog } from '../support/recording-log.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { runRequest } from '../support/run-request.js';
import type { Telemetry } from '../../src/telemetry/telemetry.js';

/** The data of a span that both sinks receive. */
interface SeenSpan {
  readonly id: string | undefined;
  readonly parentId: string | undefined;
  readonly operation: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } };
const usage = { prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 };
const asksForWeather = streamed([
  content('Let me ask ada@exam'),
  content('ple.com. '),
  chunk({ tool_calls: [call] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Paris","for":"ada@example.com"}' } }] }),
  finishChunk('tool_calls'),
  usageChunk(usage),
]);
const sunny = streamed([content('Sunny.'), finishChunk(), usageChunk(usage)]);

const getWeather = defineTool({
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string(), for: z.string() }),
  execute: () => ({ sky: 'clear' }),
});

async function runWithTool({ tracer }: Telemetry): Promise<void> {
  const { endpoint } = await startModelServer(asksForWeather, sunny);
  const agent = chatAgent({ endpoint, agent: { tools: [getWeather] } });
  const redaction = new Redaction(Object.values(builtInRedactors));
  await runAgentOnce(agent, { tracer, redaction, request: runRequest() });
}

async function overOtlp(): Promise<SeenSpan[]> {
  const receiver = await startOtlpReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.endpoint);
  const settings = { otlpProtocol: 'http/json', capturesContent: true } as const;
  await withTelemetry(settings, createRecordingLog(), runWithTool).finally(() => receiver.close());
  return receiver.spans.map(({ spanId: id, parentSpanId: parentId, attributes }) => ({
    id,
    parentId,
    operation: attributes['gen_ai.operation.name'],
    attributes,
  }));
}

async function overApplicationInsights(): Promise<SeenSpan[]> {
  vi.stubEnv('APPLICATION_INSIGHTS_NO_STATSBEAT', 'true');
  const receiver = await startApplicationInsightsReceiver();
  const connectionString =
    'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://example.invalid/';
  const settings = { applicationInsights: { connectionString } };
  const options = { host: receiver.host, allowInsecureConnection: true };
  await withTelemetry(settings, createRecordingLog(), runWithTool, options);
  const dependencies = receiver.envelopes.filter(({ data }) => data.baseType === 'RemoteDependencyData');
  return dependencies.map(({ tags, data: { baseData } }) => ({
    id: baseData.id,
    parentId: tags['ai.operation.parentId'],
    operation: baseData.properties?.['gen_ai.operation.name'],
    attributes: baseData.properties ?? {},
  }));
}

afterEach(() => {
  vi.unstubAllEnvs();
  forgetSdk();
});

const sinks: readonly (readonly [string, () => Promise<SeenSpan[]>])[] = [
  ['over OTLP', overOtlp],
  ['in Application Insights', overApplicationInsights],
];

describe.each(sinks)('a run with a tool call, %s', (_sink, seen) => {
  it('has what the Agents view reads on the run, and its model and tool calls as direct children', async () => {
    const spans = await seen();
    expect(spans.map(({ operation }) => operation)).toEqual(['chat', 'execute_tool', 'chat', 'invoke_agent']);
    const run = spans.at(-1);
    // The view joins only one level of spans, so all are direct children of the run.
    expect(spans.slice(0, -1).map(({ parentId }) => parentId)).toEqual([run?.id, run?.id, run?.id]);
    for (const { attributes } of spans) {
      expect(attributes).toMatchObject({
        'gen_ai.agent.name': 'CallbackAgent',
        'gen_ai.conversation.id': 'thread-1',
        'microsoft.gen_ai.main_agent.name': 'CallbackAgent',
        'microsoft.gen_ai.main_agent.conversation_id': 'thread-1',
      });
    }
    const [chat, tool] = spans;
    expect(run?.attributes).toMatchObject({ 'gen_ai.provider.name': 'azure.ai.openai' });
    // The run has the total usage of its model calls.
    expect(Number(run?.attributes['gen_ai.usage.input_tokens'])).toBe(100);
    expect(Number(run?.attributes['gen_ai.usage.output_tokens'])).toBe(14);
    expect(chat?.attributes).toMatchObject({ 'gen_ai.request.model': 'gpt-4o', 'gen_ai.response.model': 'gpt-4o' });
    expect(Number(chat?.attributes['gen_ai.usage.input_tokens'])).toBe(50);
    expect(tool?.attributes).toMatchObject({ 'gen_ai.tool.name': 'get_weather', 'gen_ai.tool.type': 'function' });
  });
});

/** The JSON of an attribute. */
const said = (span: SeenSpan | undefined, name: string): unknown => JSON.parse(String(span?.attributes[name]));

describe('the content of spans', () => {
  it('is what each call got and answered, redacted as a whole', async () => {
    const [chat, tool, lastChat] = await overOtlp();
    const toolCall = {
      type: 'tool_call',
      id: 'call_1',
      name: 'get_weather',
      arguments: { city: 'Paris', for: '[redacted:email]' },
    };
    const spoken = { type: 'text', content: 'Let me ask [redacted:email]. ' };
    expect(said(chat, 'gen_ai.output.messages')).toEqual([
      { role: 'assistant', parts: [spoken, toolCall], finish_reason: 'tool_call' },
    ]);
    expect(said(tool, 'gen_ai.tool.call.arguments')).toEqual(toolCall.arguments);
    expect(said(tool, 'gen_ai.tool.call.result')).toEqual({ sky: 'clear' });
    expect(said(lastChat, 'gen_ai.input.messages')).toMatchObject([
      { role: 'user' },
      { role: 'assistant', parts: [spoken, toolCall] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: { sky: 'clear' } }] },
    ]);
    expect(said(lastChat, 'gen_ai.output.messages')).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'Sunny.' }], finish_reason: 'stop' },
    ]);
  });
});

import { trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AgentError } from '../../src/durable-agents/index.js';
import { builtInRedactors } from '../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../src/durable-agents/redaction/redaction.js';
import type { Telemetry } from '../../src/telemetry/telemetry.js';
import type { TelemetrySettings } from '../../src/telemetry/telemetry-settings.js';
import { chatAgent } from '../support/ask-model.js';
import { content, finishChunk, usageChunk } from '../support/model-chunks.js';
import { answered, streamed } from '../support/model-server.js';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.js';
import { createRecordingLog } from '../support/recording-log.js';
import { forgetSdk, tracedRun as run, withTelemetry } from '../support/received-telemetry.js';
import { runRequest } from '../support/run-request.js';

const INTERNAL = 1;
const CLIENT = 3;
const correlationId = '0123456789abcdef0123456789abcdef';
const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const callersSpan = 'b7ad6b7169203331';
const usage = {
  prompt_tokens: 50,
  completion_tokens: 7,
  total_tokens: 57,
  prompt_tokens_details: { cached_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 3 },
};
const sunny = streamed([content('Sun'), content('ny, says ada@example.com.'), finishChunk(), usageChunk(usage)]);

afterEach(() => {
  vi.unstubAllEnvs();
  forgetSdk();
});

/** Runs work with telemetry, and returns everything that was received until telemetry stopped. */
async function received(
  work: (telemetry: Telemetry) => Promise<unknown>,
  settings: Partial<TelemetrySettings> = {},
): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.endpoint);
  try {
    await withTelemetry({ otlpProtocol: 'http/json', ...settings }, createRecordingLog(), work);
  } finally {
    receiver.close();
  }
  return receiver;
}

describe.each(['http/json', 'http/protobuf'] as const)('the trace of a run, over %s', (otlpProtocol) => {
  it('joins the trace of its caller, with each model call as a direct child', async () => {
    let model = new URL('http://localhost');
    const { spans, contentTypes, serviceNames } = await received(
      async (telemetry) => {
        model = await run(sunny, telemetry, {
          request: runRequest({ traceParent: `00-${callersTrace}-${callersSpan}-01` }),
        });
      },
      { otlpProtocol },
    );
    const [chat, invoke] = spans;
    expect([...contentTypes]).toEqual([otlpProtocol === 'http/json' ? 'application/json' : 'application/x-protobuf']);
    expect([...serviceNames]).toEqual(['my-app']);
    expect(spans).toHaveLength(2);
    expect(invoke).toMatchObject({
      name: 'invoke_agent CallbackAgent',
      kind: INTERNAL,
      traceId: callersTrace,
      parentSpanId: callersSpan,
      statusCode: 0,
      links: [],
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'CallbackAgent',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.conversation.id': 'thread-1',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 50,
        'gen_ai.usage.output_tokens': 7,
        'gen_ai.usage.cache_read.input_tokens': 20,
        'gen_ai.usage.reasoning.output_tokens': 3,
        'microsoft.gen_ai.main_agent.name': 'CallbackAgent',
        'microsoft.gen_ai.main_agent.conversation_id': 'thread-1',
        'durable_agent.correlation_id': correlationId,
        'durable_agent.attempt': 1,
        'durable_agent.queue_seconds': expect.any(Number),
      },
    });
    expect(chat).toMatchObject({
      name: 'chat gpt-4o',
      kind: CLIENT,
      traceId: callersTrace,
      parentSpanId: invoke?.spanId,
      statusCode: 0,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'azure.ai.openai',
        'gen_ai.agent.name': 'CallbackAgent',
        'gen_ai.conversation.id': 'thread-1',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.request.stream': true,
        'gen_ai.request.temperature': 0.5,
        'gen_ai.request.max_tokens': 100,
        'gen_ai.output.type': 'text',
        'server.address': model.hostname,
        'server.port': Number(model.port),
        'gen_ai.response.id': 'chatcmpl-1',
        'gen_ai.response.model': 'gpt-4o',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.response.time_to_first_chunk': expect.any(Number),
        'gen_ai.usage.input_tokens': 50,
        'gen_ai.usage.output_tokens': 7,
        'microsoft.gen_ai.main_agent.name': 'CallbackAgent',
      },
    });
    expect(JSON.stringify(spans)).not.toMatch(/weather|Sun|Be brief/);
  });

  it('comes with metrics in the units and buckets of the conventions', async () => {
    const { points } = await received((telemetry) => run(sunny, telemetry), { otlpProtocol });
    const point = (name: string) => points.find((other) => other.name === name);
    const seconds = Array.from({ length: 14 }, (_, index) => Number((0.01 * 2 ** index).toPrecision(15)));
    expect(point('gen_ai.client.inference.duration')).toMatchObject({ unit: 's', count: 1, bounds: seconds });
    expect(point('gen_ai.client.inference.time_to_first_chunk')).toMatchObject({
      unit: 's',
      count: 1,
      bounds: seconds,
    });
    expect(point('gen_ai.client.inference.time_per_output_chunk')).toMatchObject({ unit: 's', count: 1 });
    expect(point('gen_ai.client.inference.usage.input_tokens')).toMatchObject({
      unit: '{token}',
      value: 50,
      attributes: { 'gen_ai.token.modality': 'text', 'gen_ai.operation.name': 'chat' },
    });
    expect(point('gen_ai.client.inference.usage.reasoning.output_tokens')).toMatchObject({ value: 3 });
    expect(point('gen_ai.client.inference.operation.input_tokens')?.bounds.at(-1)).toBe(67_108_864);
    expect(point('gen_ai.invoke_agent.duration')).toMatchObject({
      unit: 's',
      count: 1,
      attributes: { 'gen_ai.agent.name': 'CallbackAgent', 'gen_ai.request.model': 'gpt-4o' },
    });
    expect(point('gen_ai.invoke_agent.duration')?.bounds.slice(0, 2)).toEqual([0.1, 0.2]);
    expect(point('gen_ai.invoke_agent.inference_calls')).toMatchObject({ unit: '{inference_call}', count: 1 });
    expect(point('gen_ai.invoke_agent.tool_calls')).toMatchObject({ unit: '{tool_call}', count: 1 });
    expect(point('durable_agent.queue.duration')).toMatchObject({ unit: 's', count: 1 });
  });
});

describe('the trace of a run', () => {
  it('has the correlation id as its trace id if the caller has no trace', async () => {
    const { spans } = await received((telemetry) => run(sunny, telemetry));
    expect(spans.map(({ traceId }) => traceId)).toEqual([correlationId, correlationId]);
    expect(spans.at(-1)?.parentSpanId).toBe('');
  });

  it('is recorded even if the host does not sample its own trace', async () => {
    const request = runRequest({ traceParent: `00-${callersTrace}-${callersSpan}-00` });
    const { spans } = await received((telemetry) => run(sunny, telemetry, { request }));
    expect(spans.map(({ traceId }) => traceId)).toEqual([callersTrace, callersTrace]);
  });

  it.each([undefined, `00-${callersTrace}-${callersSpan}-01`])(
    'links a later attempt, in another process, to the first one (caller: %s)',
    async (traceParent) => {
      const request = runRequest({ ...(traceParent !== undefined && { traceParent }) });
      const first = await received((telemetry) => run(sunny, telemetry, { request }));
      forgetSdk();
      const second = await received((telemetry) => run(sunny, telemetry, { request, attempt: 2 }));
      const firstRun = first.spans.at(-1);
      const secondRun = second.spans.at(-1);
      expect(secondRun?.attributes['durable_agent.attempt']).toBe(2);
      expect(secondRun?.spanId).not.toBe(firstRun?.spanId);
      expect(secondRun?.links).toEqual([{ traceId: firstRun?.traceId, spanId: firstRun?.spanId }]);
      expect(secondRun?.traceId).toBe(firstRun?.traceId);
    },
  );

  it('has the code of a failure on both spans, and as an exception', async () => {
    const { spans, points } = await received((telemetry) =>
      run(answered(401, { error: { message: 'No.' } }), telemetry),
    );
    for (const span of spans) {
      expect(span).toMatchObject({
        statusCode: 2,
        attributes: { 'error.type': 'authentication_failed', 'durable_agent.error_code': 'authentication_failed' },
        events: [{ name: 'exception', attributes: { 'exception.type': 'authentication_failed' } }],
      });
    }
    expect(spans[0]?.attributes['gen_ai.response.finish_reasons']).toEqual(['error']);
    expect(points.find(({ name }) => name === 'gen_ai.invoke_agent.duration')?.attributes['error.type']).toBe(
      'authentication_failed',
    );
  });

  it('ends the span of a model call whose run times out mid-stream', async () => {
    const { spans } = await received((telemetry) =>
      run(streamed([content('Sun')], 'stall'), telemetry, { timeoutMs: 400 }),
    );
    expect(spans.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['chat gpt-4o', 'run_timeout'],
      ['invoke_agent CallbackAgent', 'run_timeout'],
    ]);
  });

  it('contains redacted content on request', async () => {
    const request = runRequest({ message: 'Ask ada@example.com about "the weather".' });
    const redaction = new Redaction(Object.values(builtInRedactors));
    const { spans } = await received((telemetry) => run(sunny, telemetry, { request, redaction }), {
      capturesContent: true,
    });
    const [chat, invoke] = spans;
    expect(JSON.parse(String(chat?.attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'Ask [redacted:email] about "the weather".' }] },
    ]);
    expect(chat?.attributes['gen_ai.system_instructions']).toBe('[{"type":"text","content":"Be brief."}]');
    expect(JSON.parse(String(invoke?.attributes['gen_ai.output.messages']))).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: 'Sunny, says [redacted:email].' }],
        finish_reason: 'stop',
      },
    ]);
  });

  it('has tool calls as direct children of the run, and runs tools within their span', async () => {
    const { spans } = await received(async ({ tracer }) => {
      const runTrace = tracer.startRun({
        agent: chatAgent({ endpoint: 'http://127.0.0.1:9' }),
        threadId: 'thread-1',
        correlationId,
        attempt: 1,
        requestedAt: new Date().toISOString(),
        traceParent: undefined,
        redact: (text) => text,
      });
      const call = { name: 'get_weather', callId: 'call_1', description: 'The weather.', arguments: { city: 'Paris' } };
      const good = runTrace.startToolCall(call);
      good.run(() => trace.getTracer('mine').startSpan('inner').end());
      good.answered({ sky: 'blue' });
      runTrace.startToolCall({ ...call, callId: 'call_2' }).failed('tool_timeout', 'Paris took too long.');
      runTrace.failed(new AgentError('too_many_tool_rounds', 'Too many.'));
    });
    const [inner, good, bad, invoke] = spans;
    expect(inner?.parentSpanId).toBe(good?.spanId);
    expect(good).toMatchObject({
      name: 'execute_tool get_weather',
      kind: INTERNAL,
      parentSpanId: invoke?.spanId,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'get_weather',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': 'call_1',
        'gen_ai.tool.description': 'The weather.',
        'gen_ai.agent.name': 'CallbackAgent',
      },
    });
    expect(bad).toMatchObject({ statusCode: 2, attributes: { 'error.type': 'tool_timeout' } });
    expect(JSON.stringify(spans)).not.toContain('Paris');
  });
});

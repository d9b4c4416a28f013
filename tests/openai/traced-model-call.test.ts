import { describe, expect, it } from 'vitest';
import { chatAgent } from '../support/ask-model.js';
import { content, finishChunk, promptFilterChunk, usageChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed, type ModelReply } from '../support/model-server.js';
import { RecordingTracer } from '../support/recording-tracer.js';
import { runAgentOnce } from '../support/run-agent-once.js';

/** Runs a traced turn with a model that replies like this. */
async function traceOf(reply: ModelReply, timeoutMs = 60_000) {
  const tracer = new RecordingTracer();
  const { endpoint } = await startModelServer(reply);
  await runAgentOnce(chatAgent({ endpoint, agent: { parameters: { temperature: 0.5 } } }), { tracer, timeoutMs });
  return { tracer, endpoint: new URL(endpoint) };
}

describe('a traced model call', () => {
  it('starts with the request and the server of the model', async () => {
    const { tracer, endpoint } = await traceOf(streamed([content('Sunny.'), finishChunk()]));
    expect(tracer.modelCalls).toMatchObject([
      {
        model: {
          name: 'gpt-4o',
          provider: 'azure.ai.openai',
          serverAddress: endpoint.hostname,
          serverPort: Number(endpoint.port),
        },
        streaming: true,
        instructions: 'Be brief.',
        parameters: { temperature: 0.5 },
        outputType: 'text',
      },
    ]);
  });

  it('ends with the id, model, finish reason and usage of the answer, after its visible pieces', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    const { tracer } = await traceOf(
      streamed([promptFilterChunk, content('Sun'), content('ny.'), finishChunk(), usageChunk(usage)]),
    );
    expect(tracer.calls).toEqual([
      ['startRun'],
      ['startModelCall', 'gpt-4o'],
      ['chunk'],
      ['chunk'],
      [
        'model answered',
        {
          id: 'chatcmpl-1',
          model: 'gpt-4o',
          finishReason: 'stop',
          calls: [],
          usage: { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 },
        },
      ],
      ['answered', 'Sunny.'],
    ]);
  });

  it('ends with the code of its failure', async () => {
    const { tracer } = await traceOf(answered(401, { error: { message: 'No.' } }));
    expect(tracer.calls.slice(2)).toEqual([
      ['model failed', 'authentication_failed'],
      ['failed', 'authentication_failed'],
    ]);
  });

  it('ends if its run times out mid-stream', async () => {
    const { tracer } = await traceOf(streamed([content('Sun')], 'stall'), 400);
    expect(tracer.calls.slice(2)).toContainEqual(['model failed', 'run_timeout']);
    expect(tracer.calls).toContainEqual(['failed', 'run_timeout']);
  });
});

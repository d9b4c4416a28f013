import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentError } from '../../src/durable-agents/errors.js';
import type { RunTrace, TracedModelCall } from '../../src/durable-agents/run-tracer.js';
import type { ModelRequest } from '../../src/durable-agents/tools/chat-model.js';
import { type AzureOpenAIClient, createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { type ChatCompletionModelOptions, createChatCompletionModel } from '../../src/openai/chat-completion-model.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';
import { finish, text } from '../support/agent-parts.js';
import { completion, content, chunk, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

function modelAt(endpoint: string, options: Partial<ChatCompletionModelOptions> = {}) {
  const client = createAzureOpenAIClient({
    ...parseModelEndpoint(endpoint),
    deployment: 'gpt-4o',
    apiKey: 'k'.repeat(20),
  });
  return createChatCompletionModel({ instructions: 'Be brief.', client, ...options });
}

const request = (fields: Partial<ModelRequest> = {}): ModelRequest => ({
  messages: [{ role: 'user', contents: [{ $type: 'text', text: 'Hi' }] }],
  tools: [],
  streaming: true,
  signal: new AbortController().signal,
  ...fields,
});

async function partsOf(model: ReturnType<typeof modelAt>, fields: Partial<ModelRequest> = {}) {
  const parts = [];
  for await (const part of model.ask(request(fields))) parts.push(part);
  return parts;
}

/** A trace that records the start of model calls and their ends. */
function recordingTrace() {
  const started: TracedModelCall[] = [];
  const ends: unknown[] = [];
  const trace = {
    startModelCall: (call: TracedModelCall) => {
      started.push(call);
      return {
        chunk: () => {},
        answered: (answer: unknown) => ends.push(answer),
        failed: (error: AgentError) => ends.push(error),
      };
    },
  } as unknown as RunTrace;
  return { trace, started, ends };
}

describe('the server of a model', () => {
  it.each([
    ['https://example.openai.azure.com', 'example.openai.azure.com', 443],
    ['https://example.com:8443', 'example.com', 8443],
    ['http://127.0.0.1:5000', '127.0.0.1', 5000],
    ['http://127.0.0.1', '127.0.0.1', 80],
  ])('at %s has the host %s and the port %i', (endpoint, serverAddress, serverPort) => {
    expect(modelAt(endpoint).info).toEqual({
      name: 'gpt-4o',
      provider: 'azure.ai.openai',
      serverAddress,
      serverPort,
    });
  });
});

describe('the trace of a model call', () => {
  it.each([
    [undefined, 'text'],
    [{ type: 'object' }, 'json'],
  ] as const)('starts with what is asked; with the schema %j, the output is %s', async (responseSchema, outputType) => {
    const { endpoint } = await startModelServer(answered(200, completion({ content: 'Sunny.' })));
    const { trace, started } = recordingTrace();
    const parameters = { temperature: 1 };

    await partsOf(modelAt(endpoint, { parameters }), { streaming: false, responseSchema, trace });

    expect(started).toEqual([
      {
        model: expect.objectContaining({ name: 'gpt-4o' }),
        streaming: false,
        instructions: 'Be brief.',
        messages: request().messages,
        parameters,
        outputType,
      },
    ]);
  });

  it('ends with the calls of the answer', async () => {
    const calls = [{ index: 0, id: 'a', function: { name: 'note', arguments: '{}' } }];
    const { endpoint } = await startModelServer(streamed([chunk({ tool_calls: calls }), finishChunk()]));
    const { trace, ends } = recordingTrace();

    const parts = await partsOf(modelAt(endpoint), { trace });

    const called = { kind: 'tool_call', callId: 'a', toolName: 'note', arguments: '{}' };
    expect(parts).toEqual([called, finish()]);
    expect(ends[0]).toMatchObject({ id: 'chatcmpl-1', model: 'gpt-4o', finishReason: 'tool_call', calls: [called] });
  });

  it('ends as aborted if its reader abandons the answer', async () => {
    const { endpoint } = await startModelServer(streamed([content('a'), content('b')], 'stall'));
    const { trace, ends } = recordingTrace();

    for await (const part of modelAt(endpoint).ask(request({ trace }))) {
      expect(part).toEqual(text('a'));
      break;
    }

    expect(ends).toMatchObject([
      { code: 'run_aborted', message: 'The run was aborted before the model had answered.' },
    ]);
  });
});

describe('a model call that is aborted', () => {
  it.each([
    [
      'an AgentError, which it fails with',
      new AgentError('cancelled', 'The run was cancelled.'),
      { code: 'cancelled' },
    ],
    ['another reason, which becomes the cause', 'enough', { code: 'run_aborted', cause: 'enough' }],
  ])('has %s', async (_what, reason, failure) => {
    const { endpoint } = await startModelServer(streamed([content('a')], 'stall'));
    const controller = new AbortController();
    const { trace, ends } = recordingTrace();
    const parts: unknown[] = [];

    const reading = (async () => {
      for await (const part of modelAt(endpoint).ask(request({ signal: controller.signal, trace }))) {
        parts.push(part);
        setImmediate(() => controller.abort(reason));
      }
    })();

    await expect(reading).rejects.toMatchObject(failure);
    expect(parts).toEqual([text('a')]);
    expect(ends[0]).toMatchObject(failure);
  });

  it('sends nothing if it was aborted before', async () => {
    const { endpoint, requests } = await startModelServer(streamed([content('a'), finishChunk()]));
    const signal = AbortSignal.abort(new AgentError('cancelled', 'The run was cancelled.'));

    await expect(partsOf(modelAt(endpoint), { signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(requests).toHaveLength(0);
  });
});

describe('an endpoint that refuses to report usage', () => {
  const refusal = answered(400, { error: { message: 'Unknown parameter: stream_options' } });
  const answer = streamed([content('Sunny.'), finishChunk()]);

  it('is asked again if the repeated request fails, too', async () => {
    const { endpoint, requests } = await startModelServer(refusal, answered(401, {}), answer);
    const model = modelAt(endpoint);

    await expect(partsOf(model)).rejects.toMatchObject({ code: 'authentication_failed' });
    await partsOf(model);

    expect(requests[2]?.body).toMatchObject({ stream_options: { include_usage: true } });
  });
});

/** A client whose requests get this response. */
function clientWith(respond: (signal: AbortSignal) => Promise<Response>): AzureOpenAIClient {
  const post = (_path: string, { signal }: { readonly signal: AbortSignal }) => ({ asResponse: () => respond(signal) });
  const sdk = { baseURL: 'http://127.0.0.1/', post };
  return { sdk, deployment: 'gpt-4o', redact: (quoted: string) => quoted } as unknown as AzureOpenAIClient;
}

/** Sends a piece and then nothing, until the request is aborted. */
async function stalled(signal: AbortSignal): Promise<Response> {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(`data: ${JSON.stringify(content('Sun'))}\n\n`));
      signal.addEventListener('abort', () => controller.error(signal.reason));
    },
  });
  return new Response(stream);
}

function longAnswer(bytes: number) {
  const client = clientWith(async () => Response.json(completion({ content: 'x'.repeat(bytes) })));
  return partsOf(createChatCompletionModel({ instructions: '', client }), { streaming: false });
}

describe('the default limits of a model', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each<[string, (signal: AbortSignal) => Promise<Response>, number, string]>([
    ['180 s for the first piece', () => new Promise(() => {}), 180_000, 'did not begin to answer within 180 s'],
    ['60 s for the others', stalled, 60_000, 'sent nothing for 60 s'],
  ])('are %s', async (_what, respond, limitMs, message) => {
    const model = createChatCompletionModel({ instructions: '', client: clientWith(respond) });
    let failure: unknown;
    const asked = partsOf(model).catch((error: unknown) => {
      failure = error;
    });

    await vi.advanceTimersByTimeAsync(limitMs - 1);
    expect(failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await asked;

    expect(failure).toMatchObject({ message: expect.stringContaining(message) });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are 4 MiB for an answer', async () => {
    expect(await longAnswer(4 * 1024 * 1024)).toHaveLength(2);
    await expect(longAnswer(4 * 1024 * 1024 + 1)).rejects.toMatchObject({ code: 'answer_too_large' });
  });
});

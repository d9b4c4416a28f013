import { PassThrough } from 'node:stream';
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';

const ENTITY = 'bare';

/** Open streams, by entity key. */
const streams = new Map<string, PassThrough>();

const { sdk } = createAzureOpenAIClient({
  ...parseModelEndpoint(process.env['AZURE_OPENAI_ENDPOINT'] ?? ''),
  deployment: 'bench',
  apiKey: 'bench-key',
});

/**
 * The least that a run can be: a request signals an entity, which streams an answer of the model to the caller. Nothing
 * is checked, recorded or stored. The reference for the latency of runs.
 */
app.http('bare_run', {
  methods: ['POST'],
  route: 'bare-run',
  authLevel: 'anonymous',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const { message, thread_id: key } = (await request.json()) as { message: string; thread_id: string };
    const stream = new PassThrough();
    streams.set(key, stream);
    await df.getClient(context).signalEntity(new df.EntityId(ENTITY, key), 'run', message);
    return { headers: { 'content-type': 'text/event-stream' }, body: stream };
  },
});

df.app.entity(ENTITY, createBareEntity());

function createBareEntity(): df.EntityHandler<unknown> {
  return async ({ df: entity }) => {
    const stream = streams.get(entity.entityId.key);
    streams.delete(entity.entityId.key);
    const answer = await sdk.chat.completions.create({
      model: 'bench',
      messages: [{ role: 'user', content: String(entity.getInput()) }],
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const { choices } of answer) {
      const text = choices[0]?.delta.content;
      if (text) stream?.write(`event: stream\ndata: ${JSON.stringify({ text })}\n\n`);
    }
    stream?.end('event: final\ndata: {}\n\nevent: result\ndata: {}\n\n');
  };
}

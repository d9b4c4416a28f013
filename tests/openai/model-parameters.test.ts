import { describe, expect, it } from 'vitest';
import { partsOf } from '../support/ask-model.js';
import { completion, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

describe('the parameters of an agent', () => {
  it.each([true, false])('are sent with their wire names (streaming: %s)', async (streaming) => {
    const { endpoint, requests } = await startModelServer(
      streaming ? streamed([finishChunk()]) : answered(200, completion({ content: 'Hi' })),
    );

    await partsOf({
      endpoint,
      streaming,
      agent: { parameters: { reasoningEffort: 'low', maxOutputTokens: 500, temperature: 0 } },
    });

    expect(requests[0]?.body).toMatchObject({ reasoning_effort: 'low', max_completion_tokens: 500, temperature: 0 });
  });

  it('are not sent if undefined', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({
      endpoint,
      agent: { parameters: { reasoningEffort: undefined, maxOutputTokens: undefined, temperature: undefined } },
    });

    expect(Object.keys(requests[0]?.body ?? {}).toSorted()).toEqual(['messages', 'model', 'stream', 'stream_options']);
  });
});

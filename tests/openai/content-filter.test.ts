import { describe, expect, it } from 'vitest';
import type { ModelPart } from '../../src/durable-agents/tools/chat-model.js';
import { text } from '../support/agent-parts.js';
import { askModel, failureOf } from '../support/ask-model.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

describe('the content filter', () => {
  const verdict = { hate: { filtered: false, severity: 'safe' }, violence: { filtered: true, severity: 'high' } };
  const message = 'The content filter of the model withheld the answer (violence).';

  it.each([
    [
      'a rejected prompt',
      answered(400, {
        error: {
          code: 'content_filter',
          innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: verdict },
        },
      }),
    ],
    [
      'a rejected prompt with only a code',
      answered(400, {
        error: { code: '400', innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: verdict } },
      }),
    ],
    [
      'an answer',
      streamed([
        content('It'),
        { choices: [{ index: 0, delta: {}, finish_reason: 'content_filter', content_filter_results: verdict }] },
      ]),
    ],
    [
      'a rejected prompt, by source',
      answered(400, {
        error: {
          code: 'content_filter',
          content_filters: [{ blocked: true, source_type: 'prompt', content_filter_results: verdict }],
        },
      }),
    ],
    [
      'a prompt, in a stream',
      streamed([
        { choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: verdict }] },
        finishChunk('content_filter'),
      ]),
    ],
    [
      'an answer, before a last chunk without verdict',
      streamed([
        { choices: [{ index: 0, content_filter_results: verdict }] },
        { choices: [{ index: 0, delta: {}, finish_reason: 'content_filter', content_filter_results: {} }] },
      ]),
    ],
    [
      'an answer, before the last chunk',
      streamed([
        content('It'),
        { choices: [{ index: 0, content_filter_results: verdict }] },
        finishChunk('content_filter'),
      ]),
    ],
  ])('reports its category for %s', async (_what, reply) => {
    expect(await failureOf(reply)).toMatchObject({ code: 'content_filter', message });
  });

  it.each([
    {
      code: 'invalid_prompt',
      message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
    },
    { code: 'invalid_request_error', message: 'Content Exists Risk' },
    { code: 'data_inspection_failed', message: 'Output data may contain inappropriate content.' },
  ])('may have another name: %j', async (error) => {
    expect(await failureOf(answered(400, { error }))).toMatchObject({ code: 'content_filter' });
  });

  it.each(['CONTENT_FILTER', 'SAFETY', 'refusal', 'guardrail_intervened'])(
    'may have another name as finish reason: %s',
    async (reason) => {
      expect(await failureOf(streamed([content('It'), finishChunk(reason)]))).toMatchObject({ code: 'content_filter' });
      const late = streamed([content('It'), finishChunk(), finishChunk(reason)]);
      expect(await failureOf(late)).toMatchObject({ code: 'content_filter' });
    },
  );

  it('fails the run if its verdict arrives after the answer, and the text remains in the updates', async () => {
    const { endpoint } = await startModelServer(
      streamed([content('It is'), finishChunk(), finishChunk('content_filter')]),
    );
    const parts: ModelPart[] = [];

    const collect = async (): Promise<void> => {
      for await (const part of askModel({ endpoint })) parts.push(part);
    };

    await expect(collect()).rejects.toMatchObject({ code: 'content_filter' });
    expect(parts).toEqual([text('It is')]);
  });

  it('fails the run if its verdict arrives as an error after the answer', async () => {
    const late = streamed([content('It is'), finishChunk(), { error: { code: 'content_filter', message: 'No' } }]);
    expect(await failureOf(late)).toMatchObject({ code: 'content_filter' });
  });
});

import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/durable-agents/errors.js';
import type { RunResult } from '../../../src/durable-agents/run-agent.js';
import { ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { finish, reasoning, text } from '../../support/agent-parts.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../../support/run-agent-once.js';

const errorContentOf = ({ response }: RunResult) => response.messages?.at(-1)?.contents?.[0];

describe('a broken model call', () => {
  const cut = new AgentError('connection_lost', 'The connection was lost.', { recovery: 'retry' });
  const noStreaming = new AgentError('model_rejected_request', 'No.', { recovery: 'retry-without-streaming' });
  const answer = [text('Sunny.'), finish()];
  const highHalf = '\u{1F324}'.charAt(0);

  it.each([
    { what: 'an error that allows it', first: [cut], streaming: true },
    { what: 'a stream without a finish', first: [], streaming: true },
    { what: 'half a surrogate pair, which is not visible', first: [text(highHalf), cut], streaming: true },
    { what: 'a model that rejects streaming', first: [noStreaming], streaming: false },
  ])('is retried after $what', async ({ first, streaming }) => {
    const callback = new RecordingCallback();
    const model = new ScriptedChatModel(first, answer);

    await runAgentOnce(createModelAgent({ name: 'Agent', model }), { callback });

    expect(model.requests.map((request) => request.streaming)).toEqual([true, streaming]);
    expect(model.requests[1]?.messages).toEqual(model.requests[0]?.messages);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
    expect(callback.responses[0]?.text).toBe('Sunny.');
  });

  it.each([
    { what: 'text was visible', first: [text('It'), cut], code: 'connection_lost' },
    { what: 'reasoning was visible', first: [reasoning('Hm'), cut], code: 'connection_lost' },
    { what: 'text was visible and the stream has no finish', first: [text('It')], code: 'incomplete_response' },
    { what: 'the error rules it out', first: [new AgentError('rate_limited', 'Later.')], code: 'rate_limited' },
    { what: 'the error is unknown', first: [new Error('bug')], code: 'agent_error' },
  ])('is not retried if $what', async ({ first, code }) => {
    const model = new ScriptedChatModel(first, answer);

    const result = await runAgentOnce(createModelAgent({ name: 'Agent', model }));

    expect(model.requests).toHaveLength(1);
    expect(errorContentOf(result)).toMatchObject({ errorCode: code });
  });

  it('is retried only once', async () => {
    const callback = new RecordingCallback();
    const model = new ScriptedChatModel([cut], [cut], answer);

    const result = await runAgentOnce(createModelAgent({ name: 'Agent', model }), { callback });

    expect(model.requests).toHaveLength(2);
    expect(errorContentOf(result)).toMatchObject({ errorCode: 'connection_lost' });
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
  });
});

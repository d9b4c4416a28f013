import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { type AgentQuestion, createAskAgent } from '../../../src/durable-agents/client/ask-agent.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import type { ThreadContent } from '../../../src/durable-agents/thread/thread-state.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { type Signal, startDurableTaskServer } from '../../support/durable-task-server.js';

const Review = z.object({ stars: z.int().min(1).max(5), at: z.string().transform((text) => new Date(text)) });
const model = new ScriptedChatModel();
const plain = createModelAgent({ name: 'ReviewAgent', model });
const structured = createModelAgent({ name: 'ReviewAgent', model, responseSchema: Review });
const words = '{"stars":4,"at":"2026-01-07T15:40:02.000Z"}';

/** The state of a thread whose only run has this response. Without contents the run has not ended. */
function answeredBy({ input }: Signal, ...contents: readonly ThreadContent[]) {
  const { correlationId, message } = input as { readonly correlationId: string; readonly message: string };
  const request = {
    $type: 'request',
    correlationId,
    messages: [{ role: 'user', contents: [{ $type: 'text', text: message }] }],
  };
  const response = { $type: 'response', correlationId, messages: [{ role: 'assistant', contents }] };
  const conversationHistory = contents.length === 0 ? [request] : [request, response];
  return { schemaVersion: '1.1.0', data: { conversationHistory } };
}

async function startAsking(...contents: readonly ThreadContent[]) {
  const server = await startDurableTaskServer((signal) => answeredBy(signal, ...contents));
  const runRecords = new RunRecords(new MemoryKeyValueStore());
  const ask = createAskAgent({
    completions: new RunCompletionNotifier(),
    runRecords,
    pollIntervalMs: 5,
    maxWaitMs: contents.length === 0 ? 30 : 60_000,
  });
  return { ...server, ask, runRecords };
}

const text = (value: string): ThreadContent => ({ $type: 'text', text: value });

describe('code that asks an agent', () => {
  it('gets the text of the answer, in a new thread unless it names one', async () => {
    const { ask, context, signals, runRecords } = await startAsking(text('Four stars.'));

    const fresh = await ask({ agent: plain, message: 'How was it?' }, context);
    const named = await ask({ agent: plain, message: 'How was it?', threadId: 'thread-1' }, context);

    expectTypeOf(fresh.value).toEqualTypeOf<string>();
    expect(fresh).toMatchObject({ text: 'Four stars.', value: 'Four stars.' });
    expect(fresh.threadId).toMatch(/^[0-9a-f]{32}$/);
    expect(signals).toMatchObject([
      { entity: `dafx-ReviewAgent/${fresh.threadId}`, operation: 'run' },
      { entity: 'dafx-ReviewAgent/thread-1', input: { message: 'How was it?', correlationId: named.correlationId } },
    ]);
    expect(await runRecords.find({ agentName: 'ReviewAgent', ...named })).toMatchObject({ message: 'How was it?' });
  });

  it('gets a typed value from an agent with a response schema', async () => {
    const { ask, context, signals } = await startAsking(text(words));

    const { value } = await ask({ agent: structured, message: 'How was it?' }, context);

    expectTypeOf(value).toEqualTypeOf<{ stars: number; at: Date }>();
    expect(value).toEqual({ stars: 4, at: new Date('2026-01-07T15:40:02.000Z') });
    // The agent already has its schema, so the request does not repeat it.
    expect(signals[0]?.input).not.toHaveProperty('responseSchema');
  });

  it('gets a typed value for its own schema instead of that of the agent', async () => {
    const { ask, context, signals } = await startAsking(text('{"stars":4}'));

    const { value } = await ask(
      { agent: structured, message: 'How was it?', responseSchema: z.object({ stars: z.number() }) },
      context,
    );

    expectTypeOf(value).toEqualTypeOf<{ stars: number }>();
    expect(value).toEqual({ stars: 4 });
    expect(signals[0]?.input).toMatchObject({
      responseSchema: { type: 'object', properties: { stars: { type: 'number' } }, required: ['stars'] },
    });
  });

  it.each<{ what: string; contents: ThreadContent[]; question: Partial<AgentQuestion>; error: object }>([
    {
      what: 'the run fails',
      contents: [{ $type: 'error', message: 'The model is busy.', errorCode: 'rate_limited' }],
      question: {},
      error: { code: 'rate_limited', message: 'The model is busy.' },
    },
    {
      what: 'the answer does not match the schema',
      contents: [text('{"stars":9,"at":""}')],
      question: { agent: structured },
      error: { code: 'invalid_structured_output', message: expect.stringContaining('stars: ') },
    },
    {
      what: 'the run takes longer than its caller waits',
      contents: [],
      question: {},
      error: { code: 'wait_timeout' },
    },
    {
      what: 'the schema has a regular expression',
      contents: [],
      question: { responseSchema: z.object({ zip: z.string().regex(/^\d+$/) }) },
      error: { name: 'ResponseSchemaError', message: 'the keyword pattern is not supported' },
    },
  ])('fails if $what', async ({ contents, question, error }) => {
    const { ask, context } = await startAsking(...contents);

    await expect(ask({ agent: plain, message: 'How was it?', ...question }, context)).rejects.toMatchObject(error);
  });
});

import { expect, it } from 'vitest';
import { z } from 'zod';
import { createModelAgent, defineTool } from '../../src/durable-agents/index.js';
import { RecordingCallback, runOnce, ScriptedChatModel } from '../../src/durable-agents/testing/index.js';

const getStock = defineTool({
  name: 'get_stock',
  description: 'Tells how many pieces of an article are in stock.',
  parameters: z.object({ article: z.string() }),
  execute: ({ article }) => ({ article, pieces: article === 'A-1' ? 3 : 0 }),
});

it('passes the stock of the article to the model', async () => {
  const model = new ScriptedChatModel(
    [
      { kind: 'tool_call', callId: 'call-1', toolName: 'get_stock', arguments: '{"article":"A-1"}' },
      { kind: 'finish', finishReason: 'stop' },
    ],
    'We have 3 of A-1.',
    'You are welcome.',
  );
  const agent = createModelAgent({ name: 'StockAgent', model, tools: [getStock] });
  const callback = new RecordingCallback();

  const { history } = await runOnce(agent, 'How many of A-1 do we have?', { callback });
  await runOnce(agent, 'Thanks!', { callback, history });

  expect(callback.updates.map(({ kind }) => kind)).toEqual(['tool_call', 'tool_result', 'text', 'text']);
  expect(callback.updates[1]).toMatchObject({ result: { article: 'A-1', pieces: 3 }, isError: false });
  expect(callback.responses.map(({ text }) => text)).toEqual(['We have 3 of A-1.', 'You are welcome.']);
  expect(model.requests[2]?.messages).toHaveLength(5);
});

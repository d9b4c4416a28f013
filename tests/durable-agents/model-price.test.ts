import { describe, expect, it } from 'vitest';
import { addCost, costOf } from '../../src/durable-agents/model-price.js';
import { finish, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { ScriptedAgent } from '../support/scripted-agent.js';

const usage = {
  inputTokenCount: 1000,
  outputTokenCount: 100,
  totalTokenCount: 1100,
  extra: { cached_input_token_count: 400, reasoning_output_token_count: 30 },
};

describe('the cost of a run', () => {
  it('uses separate prices for cached input and reasoning', () => {
    const price = { currency: 'USD', input: 2.5, cachedInput: 1.25, output: 10, reasoning: 20 };
    expect(costOf(usage, price)).toEqual({ amount: 0.0033, currency: 'USD' });
  });

  it('uses the prices of input and output if these have none', () => {
    expect(costOf(usage, { currency: 'EUR', input: 2, output: 10 })).toEqual({ amount: 0.003, currency: 'EUR' });
  });

  it.each([
    {
      what: 'is passed to callbacks if the price of the model is known',
      name: 'gpt-4o',
      cost: { amount: 0.003, currency: 'EUR' },
    },
    { what: 'is unknown for another model', name: 'constructor', cost: undefined },
  ])('$what', async ({ name, cost }) => {
    const callback = new RecordingCallback();
    const scripted = new ScriptedAgent([text('Sunny.'), finish({ usage })]);
    const model = { name, provider: 'azure.ai.openai', serverAddress: 'localhost', serverPort: 443 };
    await runAgentOnce(Object.assign(scripted, { model }), {
      callback,
      prices: { 'gpt-4o': { currency: 'EUR', input: 2, output: 10 } },
    });
    expect(callback.responses[0]?.cost).toEqual(cost);
  });
});

describe('a sum of costs', () => {
  it('adds amounts of one currency without rounding errors', () => {
    expect(addCost(undefined, { amount: 0.1, currency: 'USD' })).toEqual({ amount: 0.1, currency: 'USD' });
    expect(addCost({ amount: 0.1, currency: 'USD' }, { amount: 0.2, currency: 'USD' })).toEqual({
      amount: 0.3,
      currency: 'USD',
    });
  });

  it('starts over with another currency', () => {
    expect(addCost({ amount: 5, currency: 'EUR' }, { amount: 0.2, currency: 'USD' })).toEqual({
      amount: 0.2,
      currency: 'USD',
    });
  });
});

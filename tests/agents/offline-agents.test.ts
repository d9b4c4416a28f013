import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OfflineModel, startOfflineModel } from '../../local/offline-model.js';
import { createMathAgent } from '../../src/agents/math-agent.js';
import { createWeatherAgent } from '../../src/agents/weather-agent.js';
import type { Agent } from '../../src/durable-agents/index.js';
import { createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { runRequest } from '../support/run-request.js';

let model: OfflineModel;
beforeAll(async () => {
  model = await startOfflineModel();
});
afterAll(() => model.close());

const client = () =>
  createAzureOpenAIClient({ ...parseModelEndpoint(model.endpoint), deployment: 'offline', apiKey: 'none' });

async function ask(agent: Agent, message: string) {
  const callback = new RecordingCallback();
  await runAgentOnce(agent, { callback, request: runRequest({ message }) });
  const results = callback.updates.flatMap((update) => (update.kind === 'tool_result' ? [update.result] : []));
  return { results, text: callback.responses[0]?.text };
}

describe('the sample agents over the offline model', () => {
  it('answer about the weather in several places at once', async () => {
    const { results, text } = await ask(
      createWeatherAgent({ client: client() }),
      'What is the weather in Paris and Atlantis?',
    );

    expect(results).toMatchObject([
      { location: 'Paris', source: 'fixed sample data', sky: 'sunny' },
      { location: 'Atlantis', error: 'No data for this place.' },
    ]);
    expect(text).toContain('"sky":"sunny"');
  });

  it('do arithmetic', async () => {
    const { results } = await ask(createMathAgent({ client: client() }), 'How much is 2 * (3 + 4)^2?');

    expect(results).toEqual([{ expression: '2 * (3 + 4)^2', value: 98 }]);
  });

  it('tell a story if no tool fits', async () => {
    const { results, text } = await ask(createMathAgent({ client: client() }), 'Hello!');

    expect(results).toEqual([]);
    expect(text).toContain('“Hello!”');
  });
});

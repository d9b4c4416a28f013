import { afterAll, beforeAll, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import { readCsv } from '../support/read-csv.js';

const DEPLOYMENT = 'gpt-4o-mini';
let target: AppWithModel;

beforeAll(async () => {
  target = await startAppWithModel(echoed, {
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: DEPLOYMENT,
    AGENT_PRICES: JSON.stringify({ [DEPLOYMENT]: { currency: 'EUR', input: 1_000_000, output: 2_000_000 } }),
  });
});

afterAll(() => target.stop());

it('shows the cost of runs in events, run status, the list of threads, statistics and CSV', async () => {
  const { api } = target;
  const threadId = newThreadId();
  const get = async (path: string) => JSON.parse((await api.call('GET', `agents/CallbackAgent/${path}`)).text);
  const { correlation_id: id } = await api.ask(threadId, 'Hello');
  await api.ask(threadId, 'Hello again');

  const finals = (await api.events(threadId)).filter((event) => event.event_type === 'final');
  const costs = finals.map(({ usage }) => (usage?.input_token_count ?? 0) + 2 * (usage?.output_token_count ?? 0));
  const [first = 0, second = 0] = costs;
  expect(first).toBeGreaterThan(0);
  expect(finals.map(({ cost }) => cost)).toEqual(costs.map((amount) => ({ amount, currency: 'EUR' })));
  expect(await get(`threads/${threadId}/runs/${id}`)).toMatchObject({ cost: { amount: first, currency: 'EUR' } });
  const sum = { amount: first + second, currency: 'EUR' };
  expect(await get(`threads?q=${threadId}`)).toMatchObject([{ cost: sum }]);
  expect((await get('stats')).totals).toMatchObject({ runs: 2, cost: sum });

  const csv = await api.call('GET', `agents/CallbackAgent/callbacks/${threadId}/export?format=csv`);
  const [names = [], ...rows] = readCsv(csv.text);
  const cells = rows.map((row) => ['cost', 'cost_currency'].map((name) => row[names.indexOf(name)]));
  expect(cells.filter(([amount]) => amount !== '')).toEqual(costs.map((amount) => [String(amount), 'EUR']));
});

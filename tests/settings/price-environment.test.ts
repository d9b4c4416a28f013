import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadSettings } from '../../src/settings/load-settings.js';

const prices = { 'gpt-4o': { currency: 'USD', input: 2.5, cachedInput: 1.25, output: 10 } };

const load = (value: string) =>
  loadSettings({
    AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o',
    AGENT_PRICES: value,
  }).prices;

it('model prices are read from JSON', () => {
  expect(load(JSON.stringify(prices))).toEqual(prices);
});

it('model prices are read from a file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'prices-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'prices.json');
  await writeFile(file, JSON.stringify(prices));
  expect(load(file)).toEqual(prices);
});

it.each(['{', 'missing.json', '{"gpt-4o":{"input":1}}', '{"gpt-4o":{"currency":"USD","input":-1,"output":1}}'])(
  'model prices %s are rejected with the expected format',
  (value) => {
    expect(() => load(value)).toThrow('AGENT_PRICES: expected JSON, or the path of a JSON file');
  },
);

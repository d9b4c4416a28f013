import { networkInterfaces } from 'node:os';
import { AzureOpenAI } from 'openai';
import type { ChatCompletionChunk, ChatCompletionMessageParam } from 'openai/resources';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrateOffline } from '../../local/offline-narration.js';
import { startOfflineModel, type OfflineModel } from '../../local/offline-model.js';

let model: OfflineModel;
let client: AzureOpenAI;

beforeAll(async () => {
  model = await startOfflineModel();
  client = new AzureOpenAI({
    endpoint: model.settings['AZURE_OPENAI_ENDPOINT'],
    apiKey: model.settings['AZURE_OPENAI_API_KEY'],
    deployment: model.settings['AZURE_OPENAI_CHAT_DEPLOYMENT_NAME'],
    apiVersion: '2024-10-21',
  });
});

afterAll(() => model.close());

async function ask(messages: ChatCompletionMessageParam[]) {
  const stream = await client.chat.completions.create({
    model: '',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const startedAt = performance.now();
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return {
    text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
    pieces: chunks.filter((chunk) => chunk.choices[0]?.delta.content).length,
    finishReason: chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])[0],
    usage: chunks.at(-1)?.usage,
    durationMs: performance.now() - startedAt,
  };
}

describe('the offline model', () => {
  it('streams an answer that quotes the message, in small pieces at a readable speed, with usage', async () => {
    const answer = await ask([
      { role: 'system', content: 'You are friendly.' },
      { role: 'user', content: 'What about Paris? 🌦️' },
    ]);
    expect(answer.text).toContain('“What about Paris? 🌦️”');
    expect(answer.text).toContain('turn 1');
    expect(answer.finishReason).toBe('stop');
    expect(answer.pieces).toBeGreaterThan(50);
    expect(answer.pieces / (answer.durationMs / 1000)).toBeLessThan(45);
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it('remembers the previous turn', async () => {
    const { text } = await ask([
      { role: 'user', content: 'My name is Ada.' },
      { role: 'assistant', content: 'Hello Ada.' },
      { role: 'user', content: 'Who am I?' },
    ]);
    expect(text).toContain('turn 2');
    expect(text).toContain('“My name is Ada.”');
    expect(text).toContain('“Who am I?”');
  });

  it('answers without streaming', async () => {
    const completion = await client.chat.completions.create({ model: '', messages: [{ role: 'user', content: 'Hi' }] });
    expect(completion.choices[0]?.message.content).toContain('“Hi”');
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });

  it('listens on loopback only', async () => {
    expect(new URL(model.endpoint).hostname).toBe('127.0.0.1');
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find((address) => !address.internal && address.family === 'IPv4');
    if (outside === undefined) return;
    const elsewhere = `http://${outside.address}:${new URL(model.endpoint).port}/`;
    await expect(fetch(elsewhere)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });
});

describe('the offline narration', () => {
  it('shortens a long message without splitting a character', () => {
    expect(narrateOffline([{ role: 'user', content: '🌦'.repeat(200) }])).toContain(`“${'🌦'.repeat(120)}…”`);
  });

  it('reads the text parts of a message, and accepts a message without any', () => {
    expect(narrateOffline([{ role: 'user', content: [{ text: 'one' }, {}, { text: 'two' }] }])).toContain('“one two”');
    expect(narrateOffline([{ role: 'user', content: null }])).toContain('“”');
  });
});

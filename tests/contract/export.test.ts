import { describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { readCsv } from '../support/read-csv.js';
import { contractApi } from './contract-target.js';

describe('GET agents/{agent}/callbacks/{thread_id}/export', () => {
  const api = contractApi();
  const download = (threadId: string, query = '') =>
    api.call('GET', `agents/CallbackAgent/callbacks/${encodeURIComponent(threadId)}/export${query}`);

  it.each(['', '?format=jsonl'])('returns the events of polls and streams, one per line ("%s")', async (query) => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Weather in 東京? 🌦️');
    const { status, headers, text } = await download(threadId, query);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/jsonl');
    expect(text.endsWith('\n')).toBe(true);
    const polled = (await api.poll(threadId)).text;
    expect(`[${text.trimEnd().replaceAll('\n', ',')}]`).toBe(polled);
    const reader = await api.stream(threadId);
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
    expect(reader.events.map((event) => JSON.stringify(event))).toEqual(text.trimEnd().split('\n'));
  });

  it('returns them as CSV, whatever they contain', async () => {
    const threadId = newThreadId();
    const message = '=1+1,"quoted"\r\nand 東京';
    await api.ask(threadId, message);
    const { status, headers, text } = await download(threadId, '?format=csv');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    const [names = [], ...rows] = readCsv(text);
    const column = (name: string) => rows.map((row) => row[names.indexOf(name)]);
    const events = await api.events(threadId);
    expect(column('sequence')).toEqual(events.map(({ sequence }) => String(sequence)));
    expect(column('event_type')).toEqual(events.map((event) => event.event_type));
    expect(new Set(column('request_message'))).toEqual(new Set([`'${message}`]));
  });

  it.each([
    ['jsonl', ''],
    ['csv', '?format=csv'],
  ])('suggests a .%s file name that is valid on every file system', async (extension, query) => {
    const threadId = `${newThreadId()}._~:@=+-`;
    const { headers } = await download(threadId, query);
    expect(headers['content-disposition']).toBe(
      `attachment; filename="CallbackAgent-${threadId.replace('~:@=+', '_____')}.${extension}"`,
    );
  });

  it('contains only the column names for an unknown thread', async () => {
    expect(await download(newThreadId())).toMatchObject({ status: 200, text: '' });
    expect(readCsv((await download(newThreadId(), '?format=csv')).text)).toHaveLength(1);
  });

  it('rejects an unknown format and says what it expects', async () => {
    const { status, text } = await download(newThreadId(), '?format=xml');
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error: 'Invalid format: expected jsonl or csv' });
  });
});

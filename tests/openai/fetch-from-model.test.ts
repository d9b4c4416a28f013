import { describe, expect, it } from 'vitest';
import { fetchFromModel } from '../../src/openai/fetch-from-model.js';
import { ModelConnectionError } from '../../src/openai/model-error.js';
import { answered, type ModelReply, startModelServer } from '../support/model-server.js';

async function responseTo(reply: ModelReply, init: RequestInit = {}): Promise<Response> {
  const { endpoint } = await startModelServer(reply);
  return fetchFromModel(endpoint, { method: 'POST', body: '{}', ...init });
}

describe('the response of a model', () => {
  it('is passed on unchanged if it succeeds', async () => {
    const response = await responseTo(answered(200, { answer: 'Sunny.' }, { 'retry-after': '60' }));

    expect(await response.json()).toEqual({ answer: 'Sunny.' });
    expect(response.headers.get('retry-after')).toBe('60');
    expect(response.headers.has('x-should-retry')).toBe(false);
  });

  it.each([
    [301, { location: 'https://example.com' }, 'false'],
    [304, {}, 'false'],
    [400, {}, null],
    [408, {}, 'false'],
    [429, { 'retry-after': '20' }, null],
    [429, { 'retry-after': '20.5' }, 'false'],
    [500, {}, null],
    [501, {}, 'false'],
    [502, {}, null],
    [504, {}, 'false'],
  ])('with the status %i and the headers %j has x-should-retry: %s', async (status, headers, shouldRetry) => {
    const response = await responseTo(answered(status, status === 304 ? '' : {}, headers));

    expect(response.status).toBe(status);
    expect(response.headers.get('x-should-retry')).toBe(shouldRetry);
  });

  it('keeps a wait that can be read and drops others', async () => {
    const readable = await responseTo(answered(429, {}, { 'retry-after': '5', 'retry-after-ms': 'soon' }));
    const unreadable = await responseTo(answered(429, {}, { 'retry-after': '-5', 'retry-after-ms': 'Infinity' }));

    expect(readable.headers.get('retry-after')).toBe('5');
    expect(unreadable.headers.has('retry-after')).toBe(false);
    expect(unreadable.headers.has('retry-after-ms')).toBe(false);
  });

  it('wraps the body of an error, JSON or not, and describes only the new body', async () => {
    const json = await responseTo(answered(400, { error: { code: 'bad' } }, { 'x-request-id': 'r-1' }));
    const plain = await responseTo(answered(400, 'no such host', { 'content-length': '12' }));

    expect(await json.json()).toEqual({ error: { error: { code: 'bad' } } });
    expect(json.headers.get('x-request-id')).toBe('r-1');
    expect(await plain.json()).toEqual({ error: 'no such host' });
    for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) {
      expect(json.headers.has(name)).toBe(false);
      expect(plain.headers.has(name)).toBe(false);
    }
  });

  it('contains at most 64 KiB of an error body', async () => {
    const exact = await responseTo(answered(400, 'x'.repeat(65_536)));
    const longer = await responseTo(answered(400, 'x'.repeat(65_537)));

    expect(await exact.json()).toEqual({ error: 'x'.repeat(65_536) });
    expect(await longer.json()).toEqual({ error: 'x'.repeat(65_536) });
  });

  it('has no body with the status 304, and an empty one if it cannot be read', async () => {
    const unchanged = await responseTo(answered(304, ''));
    const garbled = await responseTo(answered(400, 'plain', { 'content-encoding': 'gzip' }));

    expect(unchanged.body).toBeNull();
    expect(await garbled.json()).toEqual({ error: '' });
  });
});

describe('a request to a model', () => {
  it('that is aborted fails with the reason of its signal', async () => {
    const reason = new Error('run timed out');
    const aborted = AbortSignal.abort(reason);

    await expect(fetchFromModel('http://127.0.0.1:1', { signal: aborted })).rejects.toBe(reason);
  });

  it('that is aborted while it reads an error body fails with the reason of its signal', async () => {
    const controller = new AbortController();
    const reason = new Error('run timed out');
    const pending = responseTo(
      (response) => {
        response.writeHead(400, { 'content-type': 'application/json' });
        response.write('{', () => setImmediate(() => controller.abort(reason)));
      },
      { signal: controller.signal },
    );

    await expect(pending).rejects.toBe(reason);
  });

  it.each([
    ['an address', (url: string) => url],
    ['a request', (url: string) => new Request(url)],
  ])('of %s that reaches nothing fails with the host and the reason', async (_what, input) => {
    const failure: unknown = await fetchFromModel(input('http://127.0.0.1:1/path?key=secret')).catch(
      (error: unknown) => error,
    );

    expect(failure).toBeInstanceOf(ModelConnectionError);
    expect(String(failure)).toContain('127.0.0.1:1');
    expect(String(failure)).not.toContain('secret');
  });
});

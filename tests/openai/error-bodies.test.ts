import { describe, expect, it } from 'vitest';
import { finish, text } from '../support/agent-parts.js';
import { failureOf, partsOf } from '../support/ask-model.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, startModelServer, streamed } from '../support/model-server.js';

const AT_ONCE = { 'x-should-retry': 'false' };

describe('a rate limit', () => {
  it.each([
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after-ms': '1500' }, 2],
    [{ 'retry-after': '7, 30' }, 7],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after-ms': 'NaN', 'retry-after': '7' }, 7],
    [{}, undefined],
  ])('with the headers %j tells a caller to wait %s seconds', async (headers, seconds) => {
    const failure = await failureOf(answered(429, { error: { message: 'Slow down' } }, { ...AT_ONCE, ...headers }));
    expect(failure.retryAfterSeconds).toBe(seconds);
  });

  it.each([
    ['Rate limit is exceeded. Please retry after 6 seconds.', 6],
    ['Rate limit reached. Please try again in 6.5s. Visit our page.', 7],
    ['Rate limit reached. Please try again in 1m26.4s.', 87],
  ])('that names the wait only in its text passes it on: %s', async (message, seconds) => {
    const body = { error: { code: '429', message } };
    expect(await failureOf(answered(429, body, AT_ONCE))).toMatchObject({ retryAfterSeconds: seconds });
  });

  it('with an infinite wait is retried after the usual pause', async () => {
    const limited = answered(429, { error: { message: 'Slow down' } }, { 'retry-after': 'Infinity' });
    const { endpoint, requests } = await startModelServer(limited, streamed([content('Sunny.'), finishChunk()]));

    expect(await partsOf({ endpoint })).toEqual([text('Sunny.'), finish()]);
    expect(requests).toHaveLength(2);
  });
});

describe('an error body without an end', () => {
  it('is read only up to a limit', async () => {
    const { endpoint } = await startModelServer((response) => {
      response.writeHead(400, { 'content-type': 'text/plain' });
      const fill = (): void => {
        while (response.writable && response.write('x'.repeat(65_536)));
      };
      response.on('drain', fill);
      fill();
    });

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'model_rejected_request' });
  });
});

describe('an error body that cannot be read', () => {
  it.each<[what: string, reply: ModelReply]>([
    [
      'because it is cut',
      (response) => {
        response.writeHead(400, { 'content-length': 1000 });
        response.write('{"error"', () => response.socket?.destroy());
      },
    ],
    ['because its encoding is wrong', answered(400, 'plain', { 'content-encoding': 'gzip' })],
  ])('leaves the status as the reason, without a retry: %s', async (_what, reply) => {
    const { endpoint, requests } = await startModelServer(reply);

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'model_rejected_request' });
    expect(requests).toHaveLength(1);
  });

  it.each([
    [304, 'endpoint_redirected'],
    [999, 'model_unavailable'],
  ])('does not matter for the unusual status %i', async (status, code) => {
    expect(await failureOf(answered(status, '', AT_ONCE))).toMatchObject({ code });
  });

  it('may be that of a proxy that requires authentication, which the log says', async () => {
    const { cause } = await failureOf(answered(407, ''));
    expect(String(cause)).toMatch(/could not be reached: a proxy may require authentication$/);
  });
});

import { describe, expect, it } from 'vitest';
import { finish, text } from '../support/agent-parts.js';
import { partsOf } from '../support/ask-model.js';
import { completion, content, finishChunk } from '../support/model-chunks.js';
import { answered, rawStream, startModelServer, streamed } from '../support/model-server.js';

const typed = (type: string, body: string) => answered(200, body, { 'content-type': type });

describe('a body with a wrong content type', () => {
  const lines = [content('Sunny.'), finishChunk()].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const stream = `${lines.join('')}data: [DONE]\n\n`;
  const whole = JSON.stringify(completion({ content: 'Sunny.' }));

  it.each([
    ['application/json', stream],
    ['application/json', `\uFEFF\n: hi\n\n${stream}`],
    ['text/html; charset=utf-8', stream],
    ['text/html; charset=utf-8', `event: message\n${stream}`],
    ['application/octet-stream', stream],
    ['text/event-stream', whole],
    ['text/event-stream', `\r\n\t ${whole}\n\ndata: [DONE]\n\n`],
    ['text/plain', whole],
    ['text/html', whole],
  ])('(%s) is read by its content: %j', async (type, body) => {
    const { endpoint, requests } = await startModelServer(typed(type, body));

    expect(await partsOf({ endpoint })).toEqual([text('Sunny.'), finish()]);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['text/plain', '<!DOCTYPE html><title>Sign in</title>', 'endpoint_not_found'],
    ['text/event-stream', '\n<html>Sign in</html>', 'endpoint_not_found'],
    ['text/html', 'Sign in', 'endpoint_not_found'],
    ['text/event-stream', '{"error":{"code":"429","message":"Slow down"}}', 'rate_limited'],
    ['application/json', 'Sunny.', 'malformed_response'],
    ['text/plain', 'Sunny.', 'empty_response'],
    ['application/json', '', 'empty_response'],
  ])('(%s) fails as its content: %j', async (type, body, code) => {
    const { endpoint } = await startModelServer(typed(type, body));

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code });
  });

  it('is recognized however it is split', async () => {
    for (const at of [1, 2, 3, 4, 5]) {
      const bytes = Buffer.from(`\uFEFF\n${whole}`);
      const { endpoint } = await startModelServer(rawStream([bytes.subarray(0, at), bytes.subarray(at)]));

      expect(await partsOf({ endpoint })).toEqual([text('Sunny.'), finish()]);
    }
  });
});

describe('an endpoint that ignores the stream parameter', () => {
  it.each(['application/json', 'application/json; charset=utf-8'])(
    'may answer with the whole answer as %s, which is read without a second request',
    async (type) => {
      const { endpoint, requests } = await startModelServer(
        answered(200, completion({ content: 'Sunny.' }), { 'content-type': type }),
      );

      expect(await partsOf({ endpoint })).toEqual([text('Sunny.'), finish()]);
      expect(requests).toHaveLength(1);
    },
  );

  it('may stream although it should not', async () => {
    const { endpoint } = await startModelServer(streamed([content('Sunny.'), finishChunk()]));

    expect(await partsOf({ endpoint, streaming: false })).toEqual([text('Sunny.'), finish()]);
  });

  it('may answer with a web page, which fails the run', async () => {
    const { endpoint } = await startModelServer(answered(200, '<html>', { 'content-type': 'text/html' }));

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'endpoint_not_found' });
  });
});

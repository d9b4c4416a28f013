import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { finish, text } from '../support/agent-parts.js';
import { askModel, partsOf } from '../support/ask-model.js';
import { chunk, completion, content, finishChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, startModelServer, streamed } from '../support/model-server.js';

const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

/** Sends the pieces with a pause before each. */
function paced(pauseMs: number, pieces: readonly string[], type = 'text/event-stream'): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': type });
    response.flushHeaders();
    void (async () => {
      for (const piece of pieces) {
        await delay(pauseMs);
        response.write(piece);
      }
      response.end();
    })();
  };
}

/** Sends the pieces, then the keep-alive every 20 ms until the reader disconnects. */
function keptAlive(pieces: readonly string[], keepAlive: string): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) response.write(piece);
    const timer = setInterval(() => response.write(keepAlive), 20);
    response.on('close', () => clearInterval(timer));
  };
}

const role = data(chunk({ role: 'assistant', content: '' }));
const ending = [data(content('Sunny.')), data(finishChunk())];

describe('the timeout for the first visible piece', () => {
  it.each([
    ['comments', Array<string>(10).fill(': thinking\n\n')],
    ['the role and comments', [role, ...Array<string>(10).fill(':\n\n')]],
    ['the role and silence', [role, '', '', '', '', '', '', '', '', '']],
  ])('may exceed the idle timeout: %s', async (_what, pieces) => {
    const { endpoint } = await startModelServer(paced(60, [...pieces, ...ending]));

    const parts = await partsOf({ endpoint, streamIdleTimeoutMs: 250, agent: { firstTokenTimeoutMs: 30_000 } });

    expect(parts).toEqual([text('Sunny.'), finish()]);
  });

  it.each<[string, ModelReply]>([
    ['nothing', () => {}],
    ['headers', streamed([], 'stall')],
    ['the role', streamed([chunk({ role: 'assistant', content: '' })], 'stall')],
    ['endless comments', keptAlive([], ': wait\n\n')],
    ['endless keep-alives', keptAlive([role], 'data:\n\n')],
  ])('fails the call without a retry if the model sends only %s', async (_what, reply) => {
    let closed: Promise<unknown> | undefined;
    const { endpoint, requests } = await startModelServer((response, request) => {
      closed = once(response, 'close');
      reply(response, request);
    });

    const failure = partsOf({ endpoint, agent: { firstTokenTimeoutMs: 300 } });

    await expect(failure).rejects.toMatchObject({
      code: 'model_timeout',
      message: 'The model did not begin to answer within 0.3 s.',
      recovery: undefined,
    });
    await closed;
    expect(requests).toHaveLength(1);
  });

  it('covers headers and body of an answer that is not streamed', async () => {
    const { endpoint, requests } = await startModelServer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });

    await expect(partsOf({ endpoint, streaming: false, agent: { firstTokenTimeoutMs: 300 } })).rejects.toMatchObject({
      code: 'model_timeout',
    });
    expect(requests).toHaveLength(1);
  });

  it('may exceed the idle timeout for an answer that is not streamed', async () => {
    const body = JSON.stringify(completion({ content: 'Sunny.' }));
    const { endpoint } = await startModelServer(paced(600, [body], 'application/json'));

    expect(
      await partsOf({ endpoint, streaming: false, streamIdleTimeoutMs: 250, agent: { firstTokenTimeoutMs: 30_000 } }),
    ).toEqual([text('Sunny.'), finish()]);
  });

  it('includes the time of retries', async () => {
    const { endpoint } = await startModelServer(answered(429, {}, { 'retry-after': '15' }));

    await expect(partsOf({ endpoint, agent: { firstTokenTimeoutMs: 300 } })).rejects.toMatchObject({
      code: 'model_timeout',
    });
  });
});

describe('the idle timeout between two pieces', () => {
  it('is reset by pieces and comments', async () => {
    const pieces = [
      data(content('Sun')),
      ...Array<string>(8).fill(': keep-alive\n\n'),
      data(content('ny.')),
      data(finishChunk()),
    ];
    // The pauses take 2250 ms in total, and each is far below the timeout even if the machine is busy.
    const { endpoint } = await startModelServer(paced(250, pieces));

    expect(await partsOf({ endpoint, streamIdleTimeoutMs: 2000 })).toEqual([text('Sun'), text('ny.'), finish()]);
  });

  it('does not include the time of the reader', async () => {
    const { endpoint } = await startModelServer(streamed([content('a'), content('b'), finishChunk()]));

    const parts = [];
    for await (const part of askModel({ endpoint, streamIdleTimeoutMs: 500 })) {
      parts.push(part);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }

    expect(parts).toEqual([text('a'), text('b'), finish()]);
  });

  it('fails the call without a retry if nothing arrives', async () => {
    const { endpoint, requests } = await startModelServer(streamed([content('Sun')], 'stall'));

    await expect(partsOf({ endpoint, streamIdleTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'stream_stalled',
      message: 'The model sent nothing for 0.3 s in the middle of its answer.',
      recovery: undefined,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a gateway timeout', () => {
  it.each([408, 504, 524])('with status %i is not retried', async (status) => {
    const { endpoint, requests } = await startModelServer(answered(status, 'upstream request timeout'));

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'model_timeout', recovery: undefined });
    expect(requests).toHaveLength(1);
  });
});

import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { finish, text } from '../support/agent-parts.js';
import { partsOf } from '../support/ask-model.js';
import { completion, content, chunk, finishChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, rawStream, startModelServer, streamed } from '../support/model-server.js';

/** Repeats the piece until the reader disconnects. */
function endless(piece: string, type = 'text/event-stream'): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': type });
    const fill = (): void => {
      while (response.writable && response.write(piece));
    };
    response.on('drain', fill);
    fill();
  };
}

/** Starts another tool call with each chunk, without a name and arguments. */
function endlessCalls(id: string): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let index = 0;
    const next = () =>
      `data: ${JSON.stringify(chunk({ tool_calls: [{ index: (index += 1), id, function: {} }] }))}\n\n`;
    const fill = (): void => {
      while (response.writable && response.write(next()));
    };
    response.on('drain', fill);
    fill();
  };
}

const withLimit = { maxAnswerBytes: 100_000 };

describe('an answer that is too long', () => {
  it.each([
    ['text', endless(`data: ${JSON.stringify(content('x'.repeat(500)))}\n\n`)],
    ['reasoning', endless(`data: ${JSON.stringify(chunk({ reasoning: 'x'.repeat(500) }))}\n\n`)],
    ['a line', endless('x'.repeat(10_000))],
    ['a data line', endless('data: x\n'.repeat(1000))],
    ['tool calls with long ids', endlessCalls('i'.repeat(500))],
    ['empty tool calls', endlessCalls('')],
    ['a whole answer', endless('x'.repeat(10_000), 'application/json')],
  ])('fails and closes the connection: %s without an end', async (_what, reply) => {
    let closed: Promise<unknown> | undefined;
    const { endpoint, requests } = await startModelServer((response, request) => {
      closed = once(response, 'close');
      reply(response, request);
    });

    await expect(partsOf({ endpoint, agent: withLimit })).rejects.toMatchObject({
      code: 'answer_too_large',
      recovery: undefined,
    });
    await closed;
    expect(requests).toHaveLength(1);
  });

  it('is measured in UTF-8 bytes, with and without streaming', async () => {
    const words = 'ä'.repeat(50);
    const replies = [
      { streaming: true, reply: streamed([content(words), finishChunk()]) },
      { streaming: false, reply: answered(200, completion({ content: words })) },
    ];
    for (const { streaming, reply } of replies) {
      const { endpoint } = await startModelServer(reply);
      const ask = (maxAnswerBytes: number) => partsOf({ endpoint, streaming, agent: { maxAnswerBytes } });

      expect(await ask(100)).toEqual([text(words), finish()]);
      await expect(ask(99)).rejects.toMatchObject({ code: 'answer_too_large' });
    }
  });

  it('is not mistaken for large chunks around little text', async () => {
    const padded = { ...content('Sun'), padding: 'x'.repeat(90_000) };
    const { endpoint } = await startModelServer(streamed([padded, padded, padded, finishChunk()]));

    expect(await partsOf({ endpoint, agent: withLimit })).toHaveLength(4);
  });

  it('is not mistaken for a line of just under 1 MiB, however it is split', async () => {
    const words = 'x'.repeat(1_000_000);
    const line = `data: ${JSON.stringify(content(words))}\n\n`;
    const pieces = line.match(/.{1,5000}|\n+/g) ?? [];
    const { endpoint } = await startModelServer(rawStream([...pieces, `data: ${JSON.stringify(finishChunk())}\n\n`]));

    expect(await partsOf({ endpoint })).toEqual([text(words), finish()]);
  });
});

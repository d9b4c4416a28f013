import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, reasoning, text } from '../support/agent-parts.js';
import { partsOf } from '../support/ask-model.js';
import { chunk, content, finishChunk, usageChunk } from '../support/model-chunks.js';
import { rawStream, startModelServer, streamed } from '../support/model-server.js';

const sunny = JSON.stringify(content('Sunny.'));
const stop = JSON.stringify(finishChunk());
const choice = (index: unknown, words: string, finishReason: string | null = null) => ({
  ...chunk({}),
  choices: [{ index, delta: { content: words }, finish_reason: finishReason }],
});

async function partsOfRaw(...pieces: (string | Uint8Array)[]) {
  const { endpoint } = await startModelServer(rawStream(pieces));
  return partsOf({ endpoint });
}

describe('a stream of server-sent events', () => {
  const whole = [text('Sunny.'), finish()];

  it.each([
    ['with comments', `: ping\n\ndata: ${sunny}\n\n:\n\ndata: ${stop}\n\n: bye\n\ndata: [DONE]\n\n`],
    ['with empty data lines', `data:\n\ndata: \n\ndata: ${sunny}\n\ndata\n\ndata: ${stop}\n\ndata: [DONE]\n\n`],
    ['with a comment in a data line', `data: : keepalive\n\ndata: ${sunny}\n\ndata: :\n\ndata: ${stop}\n\n`],
    ['with nulls', `data: null\n\ndata: ${sunny}\n\ndata: null\n\ndata: ${stop}\n\ndata: [DONE]\n\n`],
    ['with quoted words', `data: "ping"\n\ndata: ${sunny}\n\ndata: ""\n\ndata: [KEEP-ALIVE]\n\ndata: ${stop}\n\n`],
    ['without blank lines', `data: ${sunny}\ndata: null\ndata: ${stop}\ndata: [DONE]\n`],
    ['with words in a data line', `data: ping\n\ndata: keep-alive\n\ndata: ${sunny}\n\ndata: ${stop}\n\n`],
    [
      'with ping events',
      `event: ping\ndata: {}\n\ndata: ${sunny}\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: ${stop}\n\n`,
    ],
    ['with named events that are not JSON', `event: heartbeat\ndata: tick\n\ndata: ${sunny}\n\ndata: ${stop}\n\n`],
    ['with named chunks', `event: message\ndata: ${sunny}\n\nevent: completion.chunk\ndata: ${stop}\n\n`],
    ['with ids and retry times', `retry: 5\nid: 1\ndata: ${sunny}\n\nid: 2\ndata: ${stop}\n\ndata: [DONE]\n\n`],
    ['with CRLF', `: hi\r\n\r\ndata: ${sunny}\r\n\r\ndata: ${stop}\r\n\r\ndata: [DONE]\r\n\r\n`],
    ['with CR', `data: ${sunny}\r\rdata: ${stop}\r\rdata: [DONE]\r\r`],
    ['with a byte order mark', `\uFEFFdata: ${sunny}\n\ndata: ${stop}\n\ndata: [DONE]\n\n`],
    [
      'with multi-line events',
      `data: {"choices":\ndata: [{"index":0,\ndata: "delta":{"content":"Sunny."}}]}\n\ndata: ${stop}\n\n`,
    ],
    ['without spaces after the colons', `data:${sunny}\n\ndata:${stop}\n\ndata:[DONE]\n\n`],
    ['without [DONE]', `data: ${sunny}\n\ndata: ${stop}\n\n`],
    ['without a blank line at its end', `data: ${sunny}\n\ndata: ${stop}`],
    [
      'with more after [DONE]',
      `data: ${sunny}\n\ndata: ${stop}\n\ndata: [DONE]\n\ndata: ${sunny}\n\ndata: nonsense{\n\n`,
    ],
    ['with indented lines', ` data: ${sunny}\n\n\tdata: ${stop}\n\n  data: [DONE]\n\n`],
    ['with a byte order mark in each event', `\uFEFFdata: ${sunny}\n\n\uFEFFdata: ${stop}\n\n`],
    [
      'with empty errors',
      `data: {"error":{"message":"","code":null},"choices":[]}\n\ndata: ${sunny}\n\ndata: ${stop}\n\n`,
    ],
    ['with null errors', `data: {"error":null,"choices":[]}\n\ndata: ${sunny}\n\ndata: ${stop}\n\n`],
  ])('is read %s', async (_what, raw) => {
    expect(await partsOfRaw(raw)).toEqual(whole);
  });

  it('is read up to [DONE] if the endpoint leaves the connection open', async () => {
    const pieces = [`data: ${sunny}\n\n`, `data: ${stop}\n\n`, 'data: [DONE]\n\n'];
    const { endpoint } = await startModelServer(rawStream(pieces, { isLeftOpen: true }));

    expect(await partsOf({ endpoint, streamIdleTimeoutMs: 60_000 })).toEqual(whole);
  });

  it('yields the same parts however its bytes are split', async () => {
    const raw = Buffer.from(
      `\uFEFF: hi\r\n\r\ndata: ${JSON.stringify(content('Ein schöner Tag 🌞'))}\n\ndata: ${stop}\r\n\r\ndata: [DONE]\n\n`,
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(raw.length), { maxLength: 6 }), async (cuts) => {
        const borders = [0, ...cuts.toSorted((a, b) => a - b), raw.length];
        const pieces = borders.slice(1).map((end, index) => raw.subarray(borders[index], end));

        expect(await partsOfRaw(...pieces)).toEqual([text('Ein schöner Tag 🌞'), finish()]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the chunks of a stream', () => {
  it.each([
    {
      what: 'finish reasons that are empty',
      events: [chunk({ content: 'Sunny.' }, ''), finishChunk()],
      parts: [text('Sunny.')],
    },
    {
      what: 'a content that is a list of parts',
      events: [
        chunk({
          content: [
            {
              type: 'thinking',
              thinking: [
                { type: 'text', text: 'Hm' },
                { type: 'text', text: '.' },
              ],
            },
            { type: 'text', text: 'Sun' },
            { type: 'image_url', image_url: { url: 'https://example.com' } },
            { type: 'text', text: 'ny.' },
          ],
        }),
        finishChunk(),
      ],
      parts: [reasoning('Hm.'), text('Sun'), text('ny.')],
    },
    {
      what: 'thinking that is a string',
      events: [chunk({ content: [{ type: 'thinking', thinking: 'Hm.' }] }), finishChunk()],
      parts: [reasoning('Hm.')],
    },
    {
      what: 'a content that is one part',
      events: [chunk({ content: { type: 'text', text: 'Sunny.' } }), finishChunk()],
      parts: [text('Sunny.')],
    },
    {
      what: 'an empty list as content',
      events: [chunk({ content: [] }), content('Sunny.'), finishChunk()],
      parts: [text('Sunny.')],
    },
    {
      what: 'reasoning under another name',
      events: [chunk({ reasoning: 'Hm.' }), content('Sunny.'), finishChunk()],
      parts: [reasoning('Hm.'), text('Sunny.')],
    },
    {
      what: 'the same reasoning under two names',
      events: [chunk({ reasoning: 'Hm.', reasoning_content: 'Hm.' }), content('Sunny.'), finishChunk()],
      parts: [reasoning('Hm.'), text('Sunny.')],
    },
    {
      what: 'reasoning that is null or empty beside text',
      events: [chunk({ reasoning_content: null, reasoning: '', content: 'Sunny.' }), finishChunk()],
      parts: [text('Sunny.')],
    },
    {
      what: 'other choices, which are other answers',
      events: [
        choice(0, 'Sun'),
        choice(1, 'Rai'),
        {
          ...chunk({}),
          choices: [
            { index: 1, delta: { content: 'ny.' } },
            { index: 0, delta: { content: 'ny.' } },
          ],
        },
        choice(1, '', 'length'),
        choice(0, '', 'stop'),
      ],
      parts: [text('Sun'), text('ny.')],
    },
    {
      what: 'a choice without an index',
      events: [{ choices: [{ delta: { content: 'Sunny.' } }] }, finishChunk()],
      parts: [text('Sunny.')],
    },
    {
      what: 'indexes that are texts, or negative',
      events: [choice('0', 'Sun'), choice('1', 'Rai'), choice(-1, 'ny.'), choice('0', '', 'stop')],
      parts: [text('Sun'), text('ny.')],
    },
    {
      what: 'deltas and choices that are null',
      events: [{ choices: null }, { choices: [{ index: 0, delta: null }] }, content('Sunny.'), finishChunk()],
      parts: [text('Sunny.')],
    },
  ])('may contain $what', async ({ events, parts }) => {
    const { endpoint } = await startModelServer(streamed(events));

    expect(await partsOf({ endpoint })).toEqual([...parts, finish()]);
  });

  it.each([
    ['end_turn', 'stop'],
    ['STOP', 'stop'],
    ['eos_token', 'stop'],
    ['COMPLETE', 'stop'],
    ['max_tokens', 'length'],
    ['MAX_OUTPUT_TOKENS', 'length'],
  ] as const)('may end with %s, which means %s', async (reason, finishReason) => {
    const { endpoint } = await startModelServer(streamed([content('Sunny.'), finishChunk(reason)]));

    expect(await partsOf({ endpoint })).toEqual([text('Sunny.'), finish({ finishReason })]);
  });

  it.each([
    {
      what: 'on every chunk, of which the last one counts',
      events: [
        { ...content('Sun'), usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 } },
        { ...content('ny.'), usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
        { ...finishChunk(), usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
      ],
    },
    {
      what: 'with nulls in between',
      events: [
        { ...content('Sun'), usage: null },
        { ...content('ny.'), usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
        { ...finishChunk(), usage: { prompt_tokens: 5, completion_tokens: null, total_tokens: null } },
      ],
    },
    {
      what: 'in a choice',
      events: [
        content('Sunny.'),
        {
          choices: [
            {
              index: 0,
              delta: {},
              finish_reason: 'stop',
              usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
            },
          ],
        },
      ],
    },
    {
      what: 'without a total',
      events: [content('Sun'), content('ny.'), finishChunk(), usageChunk({ prompt_tokens: 5, completion_tokens: 2 })],
    },
  ])('may contain usage $what', async ({ events }) => {
    const { endpoint } = await startModelServer(streamed(events));

    expect((await partsOf({ endpoint })).at(-1)).toEqual(
      finish({ usage: { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 } }),
    );
  });

  it.each([
    { choices: {} },
    { choices: ['Sunny.'] },
    { choices: [{ delta: 'Sunny.' }] },
    { choices: [{ delta: { content: 5 } }] },
    { choices: [{ delta: { content: [5] } }] },
  ])('are malformed if they contain %j', async (broken) => {
    const { endpoint } = await startModelServer(streamed([broken]));

    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'malformed_response', recovery: 'retry' });
  });
});

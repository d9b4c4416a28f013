import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AnswerReader, type AnswerReaderOptions } from '../../src/openai/answer-reader.js';
import { SilenceWatch } from '../../src/openai/silence-watch.js';
import { finish, text } from '../support/agent-parts.js';
import { chunk, completion, content, finishChunk } from '../support/model-chunks.js';

const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
const sunny = data(content('Sunny.'));
const stop = data(finishChunk());
const done = 'data: [DONE]\n\n';

/** How a body ends after its last piece: cleanly, with an error, or not at all. */
type End = 'end' | 'cut' | 'open';

interface Body {
  readonly pieces: readonly string[];
  readonly end?: End;
  readonly type?: string;
}

/** Opens a body whose reader takes one piece per read. */
function open({ pieces, end = 'end', type }: Body, options: Partial<AnswerReaderOptions> = {}) {
  const left = pieces.map((piece) => Buffer.from(piece));
  const cancel = vi.fn<() => void>();
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift();
        if (piece !== undefined) controller.enqueue(piece);
        else if (end === 'end') controller.close();
        else if (end === 'cut') controller.error(new TypeError('terminated'));
        else return new Promise(() => {});
        return undefined;
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
  const silence = new SilenceWatch({ firstTokenTimeoutMs: 60_000, streamIdleTimeoutMs: 60_000 });
  const reader = new AnswerReader(
    new Response(stream, type === undefined ? {} : { headers: { 'content-type': type } }),
    {
      maxAnswerBytes: 1000,
      quoting: { quotesErrors: true, redact: (quoted) => quoted.replaceAll('secret', '***') },
      silence,
      streaming: true,
      ...options,
    },
  );
  return { reader, silence, cancel };
}

/** Reads to the end. Returns the parts of each read, and what the answer ends with. */
async function readAll({ reader, silence }: ReturnType<typeof open>) {
  try {
    const reads = [];
    for (let parts = await reader.read(); parts !== undefined; parts = await reader.read()) reads.push(parts);
    return { reads, parts: reads.flat(), finish: reader.finish().finish };
  } finally {
    silence.stop();
  }
}

const failureOf = (body: Body, options?: Partial<AnswerReaderOptions>) =>
  readAll(open(body, options)).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the answer in a body', () => {
  it('is read piece by piece, and ends with [DONE] even if the body stays open', async () => {
    const opened = open({ pieces: [sunny, data(content('Warm.')), stop, done], end: 'open' });

    expect(await readAll(opened)).toEqual({
      reads: [[text('Sunny.')], [text('Warm.')], [], []],
      parts: [text('Sunny.'), text('Warm.')],
      finish: finish(),
    });
    expect(await opened.reader.read()).toBeUndefined();
  });

  it('has an id and a model', async () => {
    const opened = open({ pieces: [sunny, stop] });
    await readAll(opened);

    expect({ id: opened.reader.source.id, model: opened.reader.source.model }).toEqual({
      id: 'chatcmpl-1',
      model: 'gpt-4o',
    });
  });

  it('is empty without a body', async () => {
    const silence = new SilenceWatch({ firstTokenTimeoutMs: 1000, streamIdleTimeoutMs: 1000 });
    const quoting = { quotesErrors: true, redact: (quoted: string) => quoted };
    const reader = new AnswerReader(new Response(null), { maxAnswerBytes: 1000, quoting, silence, streaming: true });

    expect(await reader.read()).toEqual([]);
    expect(await reader.read()).toBeUndefined();
    expect(() => reader.finish()).toThrow(expect.objectContaining({ code: 'empty_response', recovery: 'retry' }));
    reader.release();
  });

  it('is incomplete if it ends without a finish reason', async () => {
    expect(await failureOf({ pieces: [sunny] })).toMatchObject({ code: 'incomplete_response', recovery: 'retry' });
    expect(await failureOf({ pieces: [] })).toMatchObject({ code: 'empty_response', recovery: 'retry' });
  });

  it('yields the parts before an error, and fails with it at the next read', async () => {
    const { reader, silence } = open({ pieces: [`${sunny}data: nonsense{\n\n`] });

    expect(await reader.read()).toEqual([text('Sunny.')]);
    await expect(reader.read()).rejects.toMatchObject({ code: 'malformed_response' });
    silence.stop();
  });

  it.each([
    ['cuts the connection', { pieces: [sunny, stop], end: 'cut' }],
    ['sends nonsense', { pieces: [sunny, `${stop}data: nonsense{\n\n`, sunny], end: 'open' }],
    ['sends an error', { pieces: [sunny, stop, data({ error: { code: 'busy' } }), sunny], end: 'open' }],
  ] satisfies [string, Body][])('is complete if the model %s after its finish reason', async (_what, body) => {
    expect(await readAll(open(body))).toMatchObject({ parts: [text('Sunny.')], finish: finish() });
  });

  it.each([
    ['the filter withdraws it', [sunny, stop, data({ error: { code: 'content_filter' } })], 'content_filter'],
    ['it becomes too large', [sunny, stop, data(content('x'.repeat(2000)))], 'answer_too_large'],
  ])('fails after its finish reason if %s', async (_what, pieces, code) => {
    expect(await failureOf({ pieces })).toMatchObject({ code });
  });

  it('fails if the connection is cut before its finish reason', async () => {
    expect(await failureOf({ pieces: [sunny], end: 'cut' })).toBeInstanceOf(TypeError);
  });

  it('allows a retry after an error only while nothing was visible', async () => {
    const busy = data({ error: { code: 'server_error', message: 'busy' } });

    expect(await failureOf({ pieces: [busy] })).not.toEqual(await failureOf({ pieces: [sunny, busy] }));
  });
});

/** A whole answer whose JSON has this size. */
function padded(bytes: number): string {
  const around = JSON.stringify({ ...completion({ content: 'Sunny.' }), padding: '' });
  return around.replace('"padding":""', `"padding":"${'x'.repeat(bytes - around.length)}"`);
}

describe('an answer that is not a stream', () => {
  const whole = JSON.stringify(completion({ content: 'Sunny.' }));

  it.each([
    ['in one piece', [whole]],
    ['in several pieces', [whole.slice(0, 1), whole.slice(1, 20), whole.slice(20)]],
    ['after blank pieces', ['\uFEFF', '\r\n', '\t ', whole]],
    ['before a mark of the end', [`${whole}\n\ndata: [DONE]`]],
    ['before a mark with spaces', [`${whole}\ndata:[DONE] \n\n`]],
  ])('is read %s', async (_what, pieces) => {
    expect(await readAll(open({ pieces }))).toMatchObject({ parts: [text('Sunny.')], finish: finish() });
  });

  it.each([
    [
      'text that is not JSON',
      ['{"choices":'],
      { code: 'malformed_response', cause: { message: 'the answer is not JSON' } },
    ],
    [
      'JSON that is not an object',
      ['5'],
      { code: 'malformed_response', cause: { message: 'the answer is not a JSON object' } },
    ],
    [
      'JSON that is nested too deeply',
      [`{"choices":${'['.repeat(1000)}${']'.repeat(1000)}}`],
      { code: 'malformed_response', cause: { message: 'its JSON is nested too deeply' } },
    ],
    ['a mark in its middle', [`${whole} data: [DONE] x`], { code: 'malformed_response' }],
    ['an error', ['{"error":{"code":"429","message":"Slow down, secret"}}'], { code: 'rate_limited' }],
    [
      'nothing',
      ['{"choices":[]}'],
      {
        code: 'empty_response',
        message: 'The model answered without any content.',
        recovery: 'retry-without-streaming',
      },
    ],
  ])('fails with %s', async (_what, pieces, failure) => {
    const type = 'application/json';
    expect(await failureOf({ pieces, type })).toMatchObject(failure);
  });

  it('fails for good with nothing if it was not asked for a stream', async () => {
    expect(await failureOf({ pieces: ['{"choices":[]}'] }, { streaming: false })).toMatchObject({
      code: 'empty_response',
      recovery: undefined,
    });
  });

  it('may be twice as large as its text, and 1 MiB more', async () => {
    const limit = 2 * 1000 + 1024 * 1024;

    expect(await readAll(open({ pieces: [padded(limit)] }))).toMatchObject({ parts: [text('Sunny.')] });
    expect(await failureOf({ pieces: [padded(limit + 1)] })).toMatchObject({
      code: 'answer_too_large',
      message: "The model's answer is longer than 1000 bytes.",
    });
  });

  it('counts as begun with reasoning or tool calls alone', async () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'note', arguments: '{}' } }];
    const pieces = [JSON.stringify({ choices: [{ index: 0, message: { tool_calls: calls } }] })];

    expect(await failureOf({ pieces })).toMatchObject({ code: 'incomplete_response' });
  });
});

describe('the kind of a body', () => {
  it.each([
    ['<html>', 'text/event-stream', 'endpoint_not_found'],
    [' \n<', undefined, 'endpoint_not_found'],
    ['Hello', 'text/html; charset=utf-8', 'endpoint_not_found'],
    ['Hello', 'application/json; charset=utf-8', 'malformed_response'],
    ['Hello', 'text/plain', 'empty_response'],
    ['Hello', undefined, 'empty_response'],
    ['{', 'text/html', 'malformed_response'],
    [': comment', 'application/json', 'empty_response'],
    ['data: x', 'text/html', 'malformed_response'],
    ['event: x', 'text/html', 'empty_response'],
    ['id: x', 'text/html', 'empty_response'],
    ['retry: 5', 'application/json', 'empty_response'],
    [' ', 'application/json', 'empty_response'],
  ])('follows from its first character and its type: %j of %s fails with %s', async (piece, type, code) => {
    const body = { pieces: [piece], ...(type !== undefined && { type }) };
    expect(await failureOf(body)).toMatchObject({ code });
  });

  it('is decided once', async () => {
    expect(await failureOf({ pieces: [sunny, '<html>\n\n', stop] })).toBeUndefined();
  });

  it('says what to check if a web page answers', async () => {
    expect(await failureOf({ pieces: ['<html>'] })).toMatchObject({
      message: 'A web page answers for the model. Check AZURE_OPENAI_ENDPOINT.',
    });
  });
});

describe('the silence of a model', () => {
  it.each([
    ['a comment', [':\n\n'], { heard: 1, begun: 0, finishing: 0 }],
    ['an empty data line', ['data:\n\n'], { heard: 1, begun: 0, finishing: 0 }],
    ['a ping', ['event: ping\ndata: {}\n\n'], { heard: 1, begun: 0, finishing: 0 }],
    ['pieces, each time', [sunny, sunny, ':\n\n'], { heard: 3, begun: 3, finishing: 0 }],
    ['the role', [data(chunk({ role: 'assistant', content: '' }))], { heard: 1, begun: 0, finishing: 0 }],
    ['text', [sunny], { heard: 1, begun: 1, finishing: 0 }],
    ['the finish reason', [stop], { heard: 1, begun: 0, finishing: 1 }],
    ['text and then the finish reason', [sunny, stop], { heard: 2, begun: 1, finishing: 1 }],
  ])('ends with %s', async (_what, pieces, calls) => {
    const { reader, silence } = open({ pieces, end: 'open' });
    const [heard, begun, finishing] = [
      vi.spyOn(silence, 'heard'),
      vi.spyOn(silence, 'begun'),
      vi.spyOn(silence, 'finishing'),
    ];

    for (const _ of pieces) await reader.read();

    expect({
      heard: heard.mock.calls.length,
      begun: begun.mock.calls.length,
      finishing: finishing.mock.calls.length,
    }).toEqual(calls);
    silence.stop();
  });
});

/** Reads a body, releases it, and counts how often it is cancelled: at once, within a second, and after it. */
async function released(body: Body) {
  const { reader, silence, cancel } = open(body);
  for (const _ of body.pieces.filter((piece) => !piece.startsWith('late'))) await reader.read();
  silence.stop();
  reader.release();
  await vi.advanceTimersByTimeAsync(0);
  const atOnce = cancel.mock.calls.length;
  await vi.advanceTimersByTimeAsync(999);
  const before = cancel.mock.calls.length;
  await vi.advanceTimersByTimeAsync(1);
  return { atOnce, before, after: cancel.mock.calls.length, timers: vi.getTimerCount() };
}

describe('the connection of an answer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is closed at once if the answer is abandoned', async () => {
    expect(await released({ pieces: [sunny], end: 'open' })).toMatchObject({ atOnce: 1 });
  });

  it('can be used again if the body ends after [DONE]', async () => {
    expect(await released({ pieces: [sunny, stop, done] })).toEqual({ atOnce: 0, before: 0, after: 0, timers: 0 });
  });

  it('is closed if the body does not end within a second after [DONE]', async () => {
    expect(await released({ pieces: [sunny, stop, done], end: 'open' })).toMatchObject({
      atOnce: 0,
      before: 0,
      after: 1,
    });
  });

  it('is closed at once if anything follows [DONE]', async () => {
    expect(await released({ pieces: [sunny, stop, done, 'late'], end: 'open' })).toEqual({
      atOnce: 1,
      before: 1,
      after: 1,
      timers: 0,
    });
  });

  it('may break after [DONE] or before it', async () => {
    expect(await released({ pieces: [sunny, stop, done], end: 'cut' })).toMatchObject({ after: 0, timers: 0 });
    const { reader, silence } = open({ pieces: [], end: 'cut' });
    await expect(reader.read()).rejects.toThrow('terminated');
    silence.stop();
    reader.release();
  });
});

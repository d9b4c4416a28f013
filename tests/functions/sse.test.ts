import { ReadableStream } from 'node:stream/web';
import { HttpResponse } from '@azure/functions';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SSE_HEARTBEAT, SSE_RETRY, sseFrame, sseResponse } from '../../src/functions/sse.js';
import { anyText } from '../support/any-text.js';
import { parseSse } from '../support/sse-events.js';

/** Any text, often with characters that could start or end a line or a frame. */
const text = fc
  .array(
    fc.oneof(
      anyText(),
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\0', '\u2028', '\u2029', '\u0085', '\uFEFF', '\uD83D', '\uDE00'),
      fc.constantFrom('data: {}', 'id: 9-9', 'event: reset', 'retry: 0', ': ', ':'),
    ),
  )
  .map((pieces) => pieces.join(''));

describe('sseFrame', () => {
  it('delivers any data to a reader unchanged', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
        const frames = texts.map((words, index) =>
          sseFrame({ id: `a-${index}`, event: 'stream', data: { [words]: words } }),
        );
        const read = parseSse(SSE_RETRY + frames.join(SSE_HEARTBEAT));
        expect(read.events).toEqual(
          texts.map((words, index) => ({
            id: `a-${index}`,
            event: 'stream',
            data: JSON.stringify({ [words]: words }),
          })),
        );
        expect(read.events.map(({ data }) => JSON.parse(data))).toEqual(texts.map((words) => ({ [words]: words })));
        expect(read.comments).toHaveLength(texts.length - 1);
        expect(read.retryMs).toBe(1000);
      }),
      { numRuns: 500 },
    );
  });

  it('can be read however its bytes are chunked', () => {
    fc.assert(
      fc.property(text, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (words, lengths) => {
        const bytes = Buffer.from(sseFrame({ event: 'stream', data: words }));
        const read = parseSse('');
        for (let from = 0; from < bytes.length;) {
          const length = lengths.next().value ?? 1;
          read.feed(bytes.subarray(from, from + length));
          from += length;
        }
        expect(read.events.map(({ data }) => JSON.parse(data))).toEqual([words]);
      }),
    );
  });

  it('writes id, event and data lines; the id is optional', () => {
    expect(sseFrame({ id: 'a-1', event: 'final', data: { text: 'a\nb' } })).toBe(
      'id: a-1\nevent: final\ndata: {"text":"a\\nb"}\n\n',
    );
    expect(sseFrame({ event: 'result', data: [] })).toBe('event: result\ndata: []\n\n');
  });
});

describe('sseResponse', () => {
  it('forbids caching, transformation and buffering', () => {
    const response = new HttpResponse(sseResponse(new ReadableStream()));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
  });
});

import { describe, expect, it } from 'vitest';
import { EventReader } from '../../src/openai/event-reader.js';

/** Reads these pieces of a stream. Returns the chunks and errors that the reader passes on. */
function read(pieces: readonly string[], { ends = true } = {}) {
  const chunks: unknown[] = [];
  const errors: unknown[] = [];
  const reader = new EventReader({ add: (chunk) => chunks.push(chunk), fail: (error) => errors.push(error) });
  for (const piece of pieces) reader.feed(Buffer.from(piece));
  if (ends) reader.end();
  return { chunks, errors, isDone: reader.isDone };
}

/** An event with this many levels of objects and lists. */
const nested = (levels: number) => `data: {"choices":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}\n\n`;

const malformed = (problem: string) =>
  expect.objectContaining({ code: 'malformed_response', cause: expect.objectContaining({ message: problem }) });

describe('an event of a stream', () => {
  it('is read when its blank line arrives', () => {
    expect(read(['data: {"choices":[]}\n'], { ends: false }).chunks).toEqual([]);
    expect(read(['data: {"choices":[]}\n', '\n'], { ends: false }).chunks).toEqual([{ choices: [] }]);
  });

  it('is read at the end of the stream, with or without its last line break', () => {
    expect(read(['data: {"choices":[]}\n']).chunks).toEqual([{ choices: [] }]);
    expect(read(['data: {"choices":[]}']).chunks).toEqual([{ choices: [] }]);
  });

  it.each(['null', '""', ':', ': hi', 'ping', 'PING 5', '"ping"', '[ping]', '"[ping]"', 'keepalive', 'heartbeat'])(
    'is ignored if it is the keep-alive %s',
    (data) => {
      expect(read([`data: ${data}\n\n`])).toEqual({ chunks: [], errors: [], isDone: false });
    },
  );

  it.each(['pinged', 'nullify', 'say ping', '"" x', 'x null'])('is malformed if it is no keep-alive: %s', (data) => {
    expect(() => read([`data: ${data}\n\n`])).toThrow(malformed('an event is not JSON'));
  });

  it.each(['5', '[]', '"words"'])('is malformed if it is JSON but not an object: %s', (data) => {
    expect(() => read([`data: ${data}\n\n`])).toThrow(malformed('an event is not a JSON object'));
  });

  it('may have a name of its own and then contain anything', () => {
    const events = ['event: tick\ndata: 5\n\n', 'event: tick\ndata: words\n\n', 'event: tick\ndata: {"at":5}\n\n'];
    expect(read(events)).toEqual({ chunks: [], errors: [], isDone: false });
    expect(read(['event: tick\ndata: {"choices":[]}\n\n']).chunks).toEqual([{ choices: [] }]);
    expect(() => read(['event: message\ndata: 5\n\n'])).toThrow(malformed('an event is not a JSON object'));
    expect(() => read(['event: message\ndata: words\n\n'])).toThrow(malformed('an event is not JSON'));
  });

  it.each([
    ['event: error\ndata: overloaded\n\n', 'overloaded'],
    ['event: error\ndata: {"error":{"code":"busy"}}\n\n', { code: 'busy' }],
    ['event: error\ndata: {"code":"busy"}\n\n', { code: 'busy' }],
    ['event: tick\ndata: {"error":{"code":"busy"}}\n\n', { code: 'busy' }],
    ['data: {"error":{"code":"busy"}}\n\n', { code: 'busy' }],
  ])('reports an error: %j', (event, error) => {
    expect(read([event]).errors[0]).toEqual(error);
  });

  it('ends the stream with [DONE], whatever follows on its line or after it', () => {
    const { chunks, isDone } = read(['data: [DONE] bye\n\n', 'data: {"choices":[]}\n\ndata: nonsense{\n\n']);
    expect(chunks).toEqual([]);
    expect(isDone).toBe(true);
  });

  it('is read line by line if no blank lines separate it from others', () => {
    const { chunks, isDone } = read(['data: {"id":"1"}\ndata: {"id":"2"}\ndata: [DONE]\n\n']);
    expect(chunks).toEqual([{ id: '1' }, { id: '2' }]);
    expect(isDone).toBe(true);
  });

  it('may be nested 1000 levels deep, but not deeper', () => {
    expect(read([nested(1000)]).chunks).toHaveLength(1);
    expect(() => read([nested(1001)])).toThrow(malformed('its JSON is nested too deeply'));
  });

  it('is too large if a line has more than 1 MiB of characters', () => {
    expect(() => read(['data: ', 'x'.repeat(1024 * 1024)])).toThrow(
      expect.objectContaining({
        code: 'answer_too_large',
        message: 'The model sent a line of more than 1048576 characters.',
      }),
    );
  });

  it('is read the same if a line end is cut in two', () => {
    expect(read(['data: {"choices":\r', '\ndata: []}\r', '\n\r', '\n']).chunks).toEqual([{ choices: [] }]);
  });

  it('may follow 1000 lines that are not fields, but not more', () => {
    expect(read(['nonsense\n'.repeat(1000), 'data: {"choices":[]}\n\n']).chunks).toEqual([{ choices: [] }]);
    expect(() => read(['nonsense\n'.repeat(1001)])).toThrow(malformed('too many lines are no server-sent events'));
  });

  it('may follow a line that is not a field', () => {
    expect(read(['nonsense\nretry: soon\ndata: {"choices":[]}\n\n']).chunks).toEqual([{ choices: [] }]);
  });
});

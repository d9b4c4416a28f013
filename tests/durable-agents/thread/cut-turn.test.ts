import { describe, expect, it } from 'vitest';
import { cutNewestTurn, isCut } from '../../../src/durable-agents/thread/cut-turn.js';
import type { ThreadContent } from '../../../src/durable-agents/thread/thread-state.js';
import { turnEntries } from '../../support/thread-entries.js';

const MARK = '… [cut: the thread has reached AGENT_MAX_STATE_BYTES]';
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

const text = (value: string): ThreadContent => ({ $type: 'text', text: value });
const reasoning = (value: string): ThreadContent => ({ $type: 'reasoning', text: value });
const result = (value: unknown): ThreadContent => ({ $type: 'functionResult', callId: 'c', result: value });
const call = (value: string): ThreadContent => ({
  $type: 'functionCall',
  callId: 'c',
  name: 'search',
  arguments: { q: value },
});

/** Cuts a turn with this answer. Returns the contents of the answer, and the bytes that were removed. */
function cut(excess: number, ...answer: ThreadContent[]) {
  const turn = turnEntries('run-1', 'q'.repeat(1000), ...answer);
  const before = structuredClone(turn);
  const { entries, isCut: hasCut } = cutNewestTurn(turn, excess);
  expect(turn).toEqual(before);
  expect(entries[0]).toEqual(turn[0]);
  return { contents: entries[1]?.messages?.[0]?.contents ?? [], hasCut, removed: bytesOf(turn) - bytesOf(entries) };
}

/** The indexes of the contents that were cut. */
const cutPlaces = (contents: readonly ThreadContent[]) =>
  contents.flatMap((content, index) => (isCut(content) ? [index] : []));

describe('cutting the newest turn', () => {
  it('removes at least the excess from one text, and little more', () => {
    const { contents, hasCut, removed } = cut(500, text('a'.repeat(2000)));

    expect(hasCut).toBe(true);
    expect(removed).toBeGreaterThanOrEqual(500);
    expect(removed).toBeLessThan(510);
    const [shown] = contents;
    expect(shown).toMatchObject({ text: expect.stringMatching(/^a+… \[cut/) });
    expect(JSON.stringify(shown)).toContain(MARK);
    expect(shown?.['extensionData']).toEqual({ truncated: true, byteLength: bytesOf(text('a'.repeat(2000))) });
  });

  it('cuts tool results first, then reasoning, then texts, then the arguments of calls', () => {
    const long = 'a'.repeat(1000);
    const answer = [call(long), text(long), reasoning(long), result(long)];

    expect(cutPlaces(cut(100, ...answer).contents)).toEqual([3]);
    expect(cutPlaces(cut(1000, ...answer).contents)).toEqual([2, 3]);
    expect(cutPlaces(cut(1900, ...answer).contents)).toEqual([1, 2, 3]);
    expect(cutPlaces(cut(2900, ...answer).contents)).toEqual([0, 1, 2, 3]);
  });

  it('cuts the largest part of a kind first', () => {
    const answer = [result('a'.repeat(600)), result('a'.repeat(900)), result('a'.repeat(300))];

    expect(cutPlaces(cut(100, ...answer).contents)).toEqual([1]);
    expect(cutPlaces(cut(900, ...answer).contents)).toEqual([0, 1]);
  });

  it('replaces the arguments of a call, because a part of them would not be JSON', () => {
    const { contents } = cut(100, call('a'.repeat(1000)));

    expect(contents).toMatchObject([{ $type: 'functionCall', callId: 'c', name: 'search', arguments: {} }]);
    expect(contents[0]?.['extensionData']).toMatchObject({ truncated: true });
  });

  it('keeps the JSON text of a result that is not a text', () => {
    const { contents } = cut(100, result({ rows: 'r'.repeat(1000) }));

    expect(contents).toMatchObject([{ result: expect.stringMatching(/^\{"rows":"r+… \[cut/) }]);
  });

  it('keeps 64 bytes of JSON, however large the excess is', () => {
    const { contents } = cut(100_000, text('a'.repeat(2000)));

    expect(contents).toMatchObject([{ text: 'a'.repeat(62) + MARK }]);
  });

  it('does not split a character', () => {
    const { contents } = cut(100_000, text(`a${'🌞'.repeat(500)}`));

    expect(contents).toMatchObject([{ text: `a${'🌞'.repeat(15)}${MARK}` }]);
  });

  it('keeps other extension data of a part', () => {
    const { contents } = cut(500, { ...text('a'.repeat(2000)), extensionData: { source: 'web' } });
    expect(contents[0]?.['extensionData']).toMatchObject({ source: 'web', truncated: true });

    const list = cut(500, { ...text('a'.repeat(2000)), extensionData: ['web'] });
    expect(list.contents[0]?.['extensionData']).toEqual({ truncated: true, byteLength: expect.any(Number) });
  });

  it.each([
    ['short', text('short')],
    ['an error', { $type: 'error', message: 'a'.repeat(2000) } as const],
    ['a file', { $type: 'hostedFile', fileId: 'a'.repeat(2000) } as const],
    ['a call without arguments', { $type: 'functionCall', callId: 'c', name: 'now' } as const],
    ['a call without a result yet', { $type: 'functionResult', callId: 'c' } as const],
  ])('changes nothing if the only part is %s', (_what, content) => {
    const { contents, hasCut } = cut(500, content);

    expect([contents, hasCut]).toEqual([[content], false]);
    expect(isCut(content)).toBe(false);
  });

  it('never makes a part larger', () => {
    for (let length = 0; length < 400; length += 1) {
      expect(cut(10, text('a'.repeat(length))).removed).toBeGreaterThanOrEqual(0);
    }
  });

  it('cuts all messages of all responses, even without contents', () => {
    const one = turnEntries('run-1', 'Hi', text('a'.repeat(1000)));
    const turn = [...one, { $type: 'response' as const }, ...one.slice(1), { messages: [{ role: 'tool' as const }] }];
    const { entries } = cutNewestTurn(turn, 1500);

    const contents = entries.flatMap(({ messages = [] }) => messages.flatMap((message) => message.contents ?? []));
    expect(cutPlaces(contents)).toEqual([1, 2]);
  });
});

describe('whether a content was cut', () => {
  it.each([null, 'truncated', {}, ['truncated'], undefined])('is false with %j as extension data', (extensionData) => {
    expect(isCut({ ...text('Hi'), extensionData })).toBe(false);
  });
});

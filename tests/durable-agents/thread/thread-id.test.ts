import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createId,
  earlierEntityKey,
  fromEntityKey,
  isThreadId,
  toEntityKey,
} from '../../../src/durable-agents/thread/thread-id.js';
import { anyText } from '../../support/any-text.js';

const anyThreadId = fc
  .oneof(
    anyText({ minLength: 1, maxLength: 128 }),
    fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '.', '~', '+', '2', 'E', '%', '|', ' ', 'ü', '🌞'),
      minLength: 1,
    }),
  )
  .filter(isThreadId);

describe('a thread id', () => {
  it.each([
    'a',
    '.',
    '..',
    'auth0|1',
    'chat;messageid=1',
    'a+b@example.com',
    'Jürgen',
    'a b',
    'a#b?c',
    '🌞',
    'x'.repeat(128),
  ])('may be %j', (id) => {
    expect(isThreadId(id)).toBe(true);
  });

  it.each([
    '',
    ' ',
    ' a',
    'a ',
    'a\n',
    '\u00A0a',
    'a/b',
    'a\\b',
    'a\0b',
    'a\u007Fb',
    'a\u0085b',
    '\uD83C',
    'x'.repeat(129),
  ])('may not be %j', (id) => {
    expect(isThreadId(id)).toBe(false);
  });

  it('must not need a key of more than 400 characters', () => {
    expect(isThreadId('ü'.repeat(66))).toBe(true);
    expect(isThreadId('ü'.repeat(67))).toBe(false);
  });

  it('can be generated: 32 lower-case hex digits, always different', () => {
    expect(createId()).toMatch(/^[0-9a-f]{32}$/);
    expect(createId()).not.toBe(createId());
  });
});

describe('the key of an entity', () => {
  it.each([
    ['thread-1', 'thread-1'],
    ['A.z:0@_=-', 'A.z:0@_=-'],
    ['auth0|1', 'auth0~7C1'],
    ['chat;messageid=1', 'chat~3Bmessageid=1'],
    ['a+b@example.com', 'a~2Bb@example.com'],
    ['Jürgen', 'J~C3~BCrgen'],
    ['🌞', '~F0~9F~8C~9E'],
    ['a~b', 'a~7Eb'],
    ['.', '~2E'],
    ['..', '~2E.'],
    ['...', '...'],
    ['a%2Fb', 'a~252Fb'],
  ])('for the thread %j is %s', (threadId, key) => {
    expect(toEntityKey(threadId)).toBe(key);
    expect(fromEntityKey(key)).toBe(threadId);
  });

  it('converts back to its thread id, and is safe in a URL', () => {
    fc.assert(
      fc.property(anyThreadId, (threadId) => {
        const key = toEntityKey(threadId);
        expect(fromEntityKey(key)).toBe(threadId);
        expect(key).toMatch(/^(?!\.{1,2}$)[A-Za-z0-9._:@=~-]{1,400}$/);
      }),
    );
  });

  it('differs for different threads', () => {
    fc.assert(
      fc.property(anyThreadId, anyThreadId, (one, other) => {
        expect(toEntityKey(one) === toEntityKey(other)).toBe(one === other);
      }),
    );
  });

  it.each(['', '..', 'a/b', 'a b', 'ü', 'a%20b', 'x'.repeat(129)])('is not %j', (key) => {
    expect(fromEntityKey(key)).toBeUndefined();
  });

  it.each(['a+b', 'a~b', '~61', 'a~2fb', 'a~FFb'])('of an earlier version equals its thread id: %s', (key) => {
    expect(fromEntityKey(key)).toBe(key);
    expect(earlierEntityKey(key)).toBe(key);
  });

  it.each(['thread-1', 'auth0|1', '..', 'a~2Bb'])(
    'of an earlier version is not read for the thread id %s',
    (threadId) => {
      expect(earlierEntityKey(threadId)).toBeUndefined();
    },
  );
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRedactors } from '../../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../../src/durable-agents/redaction/redaction.js';
import type { Redactor } from '../../../src/durable-agents/redaction/redactor.js';
import { StreamRedactor } from '../../../src/durable-agents/redaction/stream-redactor.js';
import { cutAt, cuts, secretsByKind, textWithSecrets } from '../../support/secrets.js';

const all = new Redaction(Object.values(builtInRedactors));

function stream(redaction: Redaction, pieces: readonly string[]): string[] {
  const redactor = new StreamRedactor(redaction);
  return [...pieces.map((piece) => redactor.push(piece)), redactor.end()];
}

describe('redaction of a whole text', () => {
  it.each([
    ['email', 'Write to ada.lovelace+math@example.co.uk.', 'Write to [redacted:email].'],
    ['email', 'Jörg@müller.de, please', '[redacted:email], please'],
    ['phone', 'Call +49 (0)30 901820 now', 'Call [redacted:phone] now'],
    ['phone', 'Call (212) 555-0187.', 'Call [redacted:phone].'],
    ['phone', 'Call 0049301234567 now', 'Call [redacted:phone] now'],
    ['card', 'Pay with 4111 1111 1111 1111.', 'Pay with [redacted:card].'],
    ['card', '1234 4111 1111 1111 1111', '1234 [redacted:card]'],
    ['card', 'Amex 3782 822463 10005', 'Amex [redacted:card]'],
    ['iban', 'To DE89 3704 0044 0532 0130 00 and then', 'To [redacted:iban] and then'],
    ['iban', 'GB29NWBK60161331926819', '[redacted:iban]'],
    ['jwt', 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!', 'Bearer [redacted:jwt]!'],
    ['api_key', 'key sk-proj-0123456789abcdef', 'key [redacted:api_key]'],
    ['azure_connection_string', 'x AccountKey=aGVsbG8gd29ybGQ=; y', 'x [redacted:azure_connection_string] y'],
    [
      'azure_connection_string',
      'https://a.blob.core.windows.net/c?sv=2024&sig=abc%2Fdefghi x',
      'https://a.blob.core.windows.net/c?sv=2024&[redacted:azure_connection_string] x',
    ],
  ] as const)('replaces a secret of the kind %s: %s', (kind, text, expected) => {
    expect(new Redaction([builtInRedactors[kind]]).text(text)).toBe(expected);
  });

  it.each([
    'The order 1234 5678 9012 3456 has a wrong check digit.',
    'GB28NWBK60161331926819 has wrong check digits.',
    'On 2026-11-28 at 07:22:31 it was 21.5 °C.',
    'scikit: pip install sk-learn-contrib-tools',
    'The path is C:\\Users\\ada and the mention is @ada.',
    'Set Endpoint=https://example.com and go.',
    '0123456789abcdef0123456789abcdef',
    '你好，世界。🌞',
  ])('does not change a text without secrets: %s', (text) => {
    expect(all.text(text)).toBe(text);
  });

  it.each(Object.entries(secretsByKind))('finds random secrets of the kind %s', (_kind, secret) => {
    fc.assert(
      fc.property(secret, (found) => {
        expect(all.text(`It is ${found} .`)).not.toContain(found);
      }),
    );
  });

  it('replaces a credential that is cut off', () => {
    expect(all.text('It begins with eyJhbGciOiJIUzI1NiJ9')).toBe('It begins with [redacted:jwt]');
    expect(all.text('It begins with AccountKey=abc')).toBe('It begins with [redacted:azure_connection_string]');
  });

  it('replaces the strings of a JSON value, and bounds its depth', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}"ada@example.com"${']'.repeat(5000)}`);
    expect(all.json({ to: ['ada@example.com', 5, null], deep: { note: 'x' } })).toEqual({
      to: ['[redacted:email]', 5, null],
      deep: { note: 'x' },
    });
    expect(JSON.stringify(all.json(deep))).toContain('[redacted:depth]');
  });
});

describe('redaction of a stream', () => {
  it('yields the redacted text, wherever the stream is split', () => {
    fc.assert(
      fc.property(textWithSecrets, cuts, ({ text, secrets }, places) => {
        const pieces = stream(all, cutAt(text, places));
        expect(pieces.join('')).toBe(all.text(text));
        for (const secret of secrets) expect(pieces.join('')).not.toContain(secret);
      }),
      { numRuns: 1000 },
    );
  });

  it('yields the redacted text of random words, character by character', () => {
    const word = fc.constantFrom('a', 'Endpoint=', 'eyJ', '@', '.', ' ', '+', '12', '4111', 'DE89', 'sk-', 'é', '🌞');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join('');
        expect(stream(all, Array.from(text)).join('')).toBe(all.text(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('releases text as soon as nothing can match, and never half a surrogate pair', () => {
    expect(stream(all, ['Hello ', 'world, ', '🌞', ' it is ', 'sunny.'])).toEqual([
      'Hello ',
      'world, ',
      '🌞',
      ' it is ',
      '',
      'sunny.',
    ]);
  });

  it('holds back a token until its end, and replaces it', () => {
    expect(stream(all, ['Key ', 'eyJhbGci', 'OiJIUzI1NiJ9.', 'eyJzdWIiOiIxIn0.c2ln', ' ok'])).toEqual([
      'Key ',
      '',
      '',
      '',
      '[redacted:jwt] ',
      'ok',
    ]);
  });

  it('replaces a token of more than 8 KiB without buffering more, and drops its rest', () => {
    const redactor = new StreamRedactor(all);
    const pieces = [...Array.from({ length: 400 }, () => 'eyJ'.repeat(17)), ' done'].map((piece) =>
      redactor.push(piece),
    );
    expect([...pieces, redactor.end()].join('')).toBe('[redacted:jwt] done');
    expect(pieces.findIndex((piece) => piece !== '') * 51).toBeLessThan(8192 + 100);
  });

  it('holds back as many characters as a custom pattern can match', () => {
    const employee: Redactor = { name: 'employee', pattern: /EMP-\d{6}/u, maxLength: 10 };
    const redaction = new Redaction([employee]);
    expect(stream(redaction, ['Ask EMP-12', '3456 today, please'])).toEqual([
      '',
      'Ask [redacted:employee] tod',
      'ay, please',
    ]);
    fc.assert(
      fc.property(fc.stringMatching(/^\d{6}$/), fc.string(), fc.string(), cuts, (number, before, after, places) => {
        const text = `${before}EMP-${number}${after}`;
        const output = stream(redaction, cutAt(text, places)).join('');
        expect(output).toBe(redaction.text(text));
        expect(output).not.toContain(`EMP-${number}`);
      }),
    );
  });

  it('buffers no more than its limit of an endless word', () => {
    const redactor = new StreamRedactor(all);
    let released = 0;
    for (let index = 1; index <= 2000; index += 1) {
      released += redactor.push('abcdefghij').length;
      expect(index * 10 - released).toBeLessThan(1024);
    }
  });
});

const nested = (levels: number): string => `${'['.repeat(levels)}"ada@example.com"${']'.repeat(levels)}`;

/** Redacts the word `key`, and holds back this many characters. */
const key = (maxLength: number) => new Redaction([{ name: 'x', pattern: /(?<![a-z])key/u, maxLength }]);

describe('the cut between released and held-back text', () => {
  it.each([
    ['ab\u{1F31E}cd', 3, ['ab', '\u{1F31E}cd']],
    ['ab\u{1F31E}cd', 2, ['ab\u{1F31E}', 'cd']],
    ['ab\u{1F31E}cd', 4, ['ab', '\u{1F31E}cd']],
    ['\u{1F31E}a', 2, ['', '\u{1F31E}a']],
    ['a\u{1F31E}', 1, ['a', '\u{1F31E}']],
    ['\uDC00ab', 3, ['', '\uDC00ab']],
  ])('of %j with %i characters held back splits no character', (text, maxLength, pieces) => {
    expect(stream(key(maxLength), [text])).toEqual(pieces);
  });

  it('does not hide what is before it from a pattern', () => {
    expect(stream(key(3), ['abcdkey', ' end'])).toEqual(['abcd', 'key ', 'end']);
    expect(stream(key(3), ['abc.key', ' end'])).toEqual(['abc.', '[redacted:x] ', 'end']);
    expect(stream(key(3), ['abcd', 'key'])).toEqual(['a', 'bcd', 'key']);
  });

  it('is forgotten at the end of a text', () => {
    const redactor = new StreamRedactor(key(3));

    expect([redactor.push('abcd'), redactor.end(), redactor.push('key'), redactor.end()]).toEqual([
      'a',
      'bcd',
      '',
      '[redacted:x]',
    ]);
  });
});

const long = { name: 'x', pattern: /K[a-z]{20000}/u, tail: 'K[a-z]*' };
const after = { name: 'y', pattern: /(?<![a-z])7/u, maxLength: 1 };
const begun = 'K[a-z]+';

/** Redacts a secret that is too long to be held back, then this text. */
function outputAfter(rest: string): string {
  return stream(new Redaction([{ ...long, begun }, after, { name: 'z', pattern: /(?<![a-z])<7/u, maxLength: 2 }]), [
    `K${'a'.repeat(9000)}`,
    rest,
  ]).join('');
}

describe('a stream with more held-back text than its limit', () => {
  it('replaces the beginning of a secret, and drops its rest', () => {
    const redactor = new StreamRedactor(new Redaction([{ ...long, begun }]));

    expect(redactor.push(`a K${'a'.repeat(8191)}`)).toBe('a ');
    expect(redactor.push('b')).toBe('[redacted:x]');
    expect(redactor.push('c')).toBe('');
    expect(redactor.push('d. e')).toBe(' e');
    expect(redactor.push('f')).toBe('f');
    expect(redactor.end()).toBe('');
  });

  it('releases text that is no secret, and all that follows', () => {
    const redactor = new StreamRedactor(new Redaction([long]));

    expect(redactor.push(`K${'a'.repeat(8192)}`)).toBe(`K${'a'.repeat(8192)}`);
    expect(redactor.push('bcd')).toBe('bcd');
  });

  it('does not hide the dropped rest from a pattern', () => {
    expect(outputAfter('b"7')).toBe('[redacted:x]"[redacted:y]');
    expect(outputAfter('b 7')).toBe('[redacted:x] [redacted:y]');
    expect(outputAfter('b5<7')).toBe('[redacted:x][redacted:z]');
    expect(outputAfter('b<7')).toBe('[redacted:x]<[redacted:y]');
    expect(outputAfter('<7')).toBe('[redacted:x]<[redacted:y]');
  });

  it('starts over after its end', () => {
    const redactor = new StreamRedactor(new Redaction([{ ...long, begun }]));

    expect([redactor.push(`K${'a'.repeat(9000)}`), redactor.end(), redactor.push('bcd'), redactor.end()]).toEqual([
      '[redacted:x]',
      '',
      'bcd',
      '',
    ]);
  });
});

describe('the depth of a JSON value', () => {
  it('is at most 64 levels, below which nothing is kept', () => {
    expect(JSON.stringify(all.json(JSON.parse(nested(64))))).toContain('[redacted:email]');
    expect(JSON.stringify(all.json(JSON.parse(nested(65))))).toBe(
      nested(64).replace('ada@example.com', '[redacted:depth]'),
    );
  });
});

/** Redactors with these patterns, named after their positions. */
function redactionOf(...patterns: readonly RegExp[]): Redaction {
  return new Redaction(patterns.map((pattern, index) => ({ name: `kind-${index}`, pattern, maxLength: 10 })));
}

describe('secrets that overlap', () => {
  it.each([
    ['in part', 'abcde', [/abc/u, /cde/u], '[redacted:kind-0]'],
    ['in part, found in another order', 'abcde', [/cde/u, /abc/u], '[redacted:kind-1]'],
    ['one within the other', 'abcde', [/bc/u, /abcde/u], '[redacted:kind-1]'],
    ['with the same beginning', 'abcde', [/ab/u, /abcd/u], '[redacted:kind-1]e'],
    ['with the same place', 'abcde', [/bcd/u, /bcd/u], 'a[redacted:kind-0]e'],
  ])('%s are replaced by the name of the first', (_how, text, patterns, expected) => {
    expect(redactionOf(...patterns).text(text)).toBe(expected);
  });

  it('are replaced one by one if they only touch', () => {
    expect(redactionOf(/ab/u, /cd/u).text('abcd')).toBe('[redacted:kind-0][redacted:kind-1]');
    expect(redactionOf(/ab/u).text('ababx')).toBe('[redacted:kind-0][redacted:kind-0]x');
  });
});

describe('a redactor', () => {
  it('may replace only the beginning of a match, or none of it', () => {
    const redaction = new Redaction([
      { name: 'x', pattern: /[ab]\d+/u, secretLength: (match) => (match.startsWith('b') ? 0 : 2) },
    ]);

    expect(redaction.text('a123 b123 a4')).toBe('[redacted:x]23 b123 [redacted:x]');
    expect(redaction.text('ba12')).toBe('b[redacted:x]2');
  });

  it('is used with the flags of its pattern, except g and y', () => {
    expect(new Redaction([{ name: 'x', pattern: /key/iu }]).text('KEY key')).toBe('[redacted:x] [redacted:x]');
    expect(new Redaction([{ name: 'x', pattern: /key/u }]).text('KEY key')).toBe('KEY [redacted:x]');
    expect(new Redaction([{ name: 'x', pattern: /key/guy }]).text('a key')).toBe('a [redacted:x]');
  });

  it('with the beginning of a secret replaces one that is cut off, but not one that continues', () => {
    const redaction = new Redaction([{ name: 'x', pattern: /key-\d{4}/u, begun: 'key-\\d*', tail: 'key-\\d*' }]);

    expect(redaction.text('a KEY-12')).toBe('a [redacted:x]');
    expect(redaction.text('a key-12 b')).toBe('a key-12 b');
    expect(stream(redaction, ['a key-', '12'])).toEqual(['a ', '', '[redacted:x]']);
  });

  it('without a tail or a length holds back 256 characters', () => {
    const [first, last] = stream(new Redaction([{ name: 'x', pattern: /key/u }]), ['a'.repeat(300)]);

    expect([first?.length, last?.length]).toEqual([44, 256]);
  });

  it('with the longest length decides how much is held back', () => {
    const redactors = [1, 7, 3].map((maxLength) => ({ name: 'x', pattern: /key/u, maxLength }));

    expect(stream(new Redaction(redactors), ['a'.repeat(10)])).toEqual(['aaa', 'aaaaaaa']);
  });

  it.each([{ name: 'x'.repeat(40) }, { name: 'A-z_9' }, { maxLength: 1 }, { maxLength: 4096 }])(
    'may have %j',
    (fields) => {
      expect(() => new Redaction([{ name: 'a', pattern: /x/u, ...fields }])).not.toThrow();
    },
  );

  it.each([
    [{ name: 'a b', pattern: /x/u }, 'Redactor "a b": expected a name of 1 to 40 letters, digits, "_" or "-".'],
    [{ name: '', pattern: /x/u }, 'Redactor "": expected a name of 1 to 40 letters, digits, "_" or "-".'],
    [{ name: 'x'.repeat(41), pattern: /x/u }, 'expected a name of 1 to 40 letters'],
    [{ name: 'a', pattern: /x/ }, 'Redactor "a": expected a pattern with the flag u.'],
    [{ name: 'a', pattern: /x*/u }, 'Redactor "a": expected a pattern that does not match empty text.'],
    [{ name: 'a', pattern: /x/u, maxLength: 4097 }, 'Redactor "a": expected a maxLength from 1 to 4096.'],
    [{ name: 'a', pattern: /x/u, maxLength: 0 }, 'maxLength from 1 to 4096'],
    [{ name: 'a', pattern: /x/u, maxLength: 1.5 }, 'maxLength from 1 to 4096'],
  ] satisfies [Redactor, string][])('is rejected with the reason: %o', (redactor, reason) => {
    expect(() => new Redaction([redactor])).toThrow(TypeError);
    expect(() => new Redaction([redactor])).toThrow(reason);
  });
});

describe('the check digits of a number', () => {
  it.each([
    ['4111111111111111', true],
    ['4111111111111112', false],
    ['4000 0000 0000 0002', true],
    ['4242424242424242', true],
    ['4222222222222', true],
    ['6011000990139424', true],
    ['3530 111333 300000', false],
  ])('decide whether %s is a payment card: %s', (number, isCard) => {
    const shown = new Redaction([builtInRedactors.card]).text(number);
    expect(shown).toBe(isCard ? '[redacted:card]' : number);
  });

  it.each([
    ['NO9386011117947', '[redacted:iban]'],
    ['NO9386011117948', 'NO9386011117948'],
    ['no93 8601 1117 947', '[redacted:iban]'],
    ['NO93-8601-1117-947 or so', '[redacted:iban] or so'],
    ['MT84MALT011000012345MTLCAST001S', '[redacted:iban]'],
    ['DE89370400440532013000', '[redacted:iban]'],
    ['DE89370400440532013000ABCDEFG', 'DE89370400440532013000ABCDEFG'],
    ['DE89 3704 0044 0532 0130 00 abcd', '[redacted:iban] abcd'],
  ])('decide how much of %s is an account number', (number, shown) => {
    expect(new Redaction([builtInRedactors.iban]).text(number)).toBe(shown);
  });
});

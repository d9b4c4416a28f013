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

describe('a redactor', () => {
  it.each([
    [{ name: 'a b', pattern: /x/u }, /expected a name/],
    [{ name: 'a', pattern: /x/ }, /flag u/],
    [{ name: 'a', pattern: /x*/u }, /does not match empty text/],
    [{ name: 'a', pattern: /x/u, maxLength: 5000 }, /maxLength from 1 to 4096/],
  ] satisfies [Redactor, RegExp][])('is rejected with the reason: %o', (redactor, reason) => {
    expect(() => new Redaction([redactor])).toThrow(reason);
  });
});

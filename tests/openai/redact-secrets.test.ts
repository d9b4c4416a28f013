import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactSecrets } from '../../src/openai/redact-secrets.js';

describe('redactSecrets', () => {
  const key = 'Zq7mKp2xVw9rTb4nLs8dFh1cYj6gQe3u';

  it.each([
    [`the key ${key} is wrong`, 'the key [redacted] is wrong'],
    ['the key Zq7mKp2xVw*** is wrong', 'the key [redacted]*** is wrong'],
    ['the key ***h1cYj6gQe3u is wrong', 'the key ***[redacted] is wrong'],
    ['see https://weather.openai.azure.com/openai?x=1 now', 'see [redacted] now'],
    ['host weather.openai.azure.com is busy', 'host [redacted] is busy'],
    ['the key zq7mkp2xvw9rtb4nls8dfh1cyj6gqe3u is wrong', 'the key [redacted] is wrong'],
    [`the key ${key.match(/.{1,7}/g)?.join('\n')} is wrong`, 'the key [redacted] is wrong'],
    [`the key ${Array.from(key).join(' ')} is wrong`, 'the key [redacted] is wrong'],
    ['the key Zq7mKp2%78Vw9r%54b4nLs8dFh1cYj6gQe3u is wrong', 'the key [redacted] is wrong'],
    ['the resource Weather.OpenAI.Azure.com is busy', 'the resource [redacted] is busy'],
    ['the weather opens: 100%, 5 %20', 'the weather opens: 100%, 5  '],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [redacted]'],
    ['Authorization: Basic OlpxN21LcDI=', 'Authorization: Basic [redacted]'],
    ['an old key 0123456789abcdef0123456789abcdef', 'an old key [redacted]'],
    ['plain words stay, with 4096 tokens', 'plain words stay, with 4096 tokens'],
    ['request 6f1c2d3e-0000-4000-8000-1234567890ab stays', 'request 6f1c2d3e-0000-4000-8000-1234567890ab stays'],
  ])('turns %j into %j', (text, redacted) => {
    expect(redactSecrets(text, [key, '', 'weather.openai.azure.com'])).toBe(redacted);
  });

  it('leaves no eight consecutive characters of a secret', () => {
    // Letters and digits, like keys, but none of those in the replacement text.
    const secret = fc.string({
      unit: fc.constantFrom('A', 'B', 'C', 'D', 'E', 'X', 'Y', 'Z', '1', '2', '3'),
      minLength: 8,
      maxLength: 60,
    });
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), fc.nat(), fc.nat(50), (value, before, after, from, length) => {
        const start = from % (value.length - 7);
        const part = value.slice(start, start + 8 + length);

        const redacted = redactSecrets(`${before}${part}${after}`, [value]);

        const fragments = Array.from({ length: part.length - 7 }, (_, at) => part.slice(at, at + 8));
        expect(fragments.filter((fragment) => redacted.includes(fragment))).toEqual([]);
      }),
    );
  });
});

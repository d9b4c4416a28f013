import * as fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATE_COUNT = 0x800;
const HIGHEST = 0x10_ffff;

/** Any Unicode character, by its position among all of them. Surrogates are no characters. */
const anyCharacter = fc.nat({ max: HIGHEST - SURROGATE_COUNT }).map(
  (position) => String.fromCodePoint(position < SURROGATES_FROM ? position : position + SURROGATE_COUNT),
  (character) => {
    const codePoint = typeof character === 'string' ? (character.codePointAt(0) ?? -1) : -1;
    const isSurrogate = codePoint >= SURROGATES_FROM && codePoint < SURROGATES_FROM + SURROGATE_COUNT;
    if (codePoint < 0 || isSurrogate || character !== String.fromCodePoint(codePoint))
      throw new TypeError(`Expected one character, got ${JSON.stringify(character)}`);
    return codePoint < SURROGATES_FROM ? codePoint : codePoint - SURROGATE_COUNT;
  },
);

/**
 * Texts of any Unicode characters, with the same bias as `fc.string({ unit: 'binary' })`. That one first builds a table
 * of all characters, which takes more than a second in each process.
 */
export function anyText(constraints: Omit<fc.StringConstraints, 'unit'> = {}): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: anyCharacter });
}

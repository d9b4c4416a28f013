/** Shorter fragments of a key are not recognized, because they may be ordinary words. */
const MIN_FRAGMENT = 8;
/** The same for fragments with other characters in between, such as line breaks, because several words may match them. */
const MIN_SPREAD_FRAGMENT = 16;
const REDACTED = '[redacted]';

type Range = readonly [start: number, end: number];

/**
 * Removes secrets and their fragments, in any case, from a model's error message, and anything that looks like an
 * address, a token or a key. Decodes percent-encoded characters.
 *
 * @param secrets - keys, tokens and host names, as sent to the model
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let redacted = text
    .replace(/%(?:2[\da-f]|[3-6][\da-f]|7[\da-e])/gi, decodeURIComponent)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]}]+/gi, REDACTED)
    .replace(/\b(Bearer|Basic)\s+[^\s"',;]+/gi, `$1 ${REDACTED}`)
    .replace(/\beyJ[\w-]+(\.[\w-]+)*/g, REDACTED);
  for (const secret of secrets) redacted = withoutFragments(redacted, secret);
  return redacted.replace(/\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9_]{32,}\b/g, REDACTED);
}

/** Removes every fragment of the secret, because providers quote keys in part, such as `abcdefgh***wxyz`. */
function withoutFragments(text: string, secret: string): string {
  if (secret.length < MIN_FRAGMENT) return secret === '' ? text : text.replaceAll(secret, REDACTED);
  const joined = withoutRanges(text, fragmentsIn(text, secret, MIN_FRAGMENT));
  const places = [...joined.matchAll(/[a-z\d]/gi)].map(({ index }) => index);
  const letters = places.map((place) => joined[place]).join('');
  const spread = fragmentsIn(letters, secret.replaceAll(/[^a-z\d]/gi, ''), MIN_SPREAD_FRAGMENT);
  return withoutRanges(
    joined,
    spread.map(([start, end]) => [places[start] ?? 0, (places[end - 1] ?? 0) + 1]),
  );
}

/** Returns where fragments of the secret are in a text, regardless of their case. */
function fragmentsIn(text: string, secret: string, minLength: number): Range[] {
  const [within, wanted] = [toLowerAscii(text), toLowerAscii(secret)];
  const ranges: Range[] = [];
  for (let at = 0; at + minLength <= within.length; at += 1) {
    let end = at + minLength;
    if (!wanted.includes(within.slice(at, end))) continue;
    while (end < within.length && wanted.includes(within.slice(at, end + 1))) end += 1;
    ranges.push([at, end]);
    at = end - 1;
  }
  return ranges;
}

function withoutRanges(text: string, ranges: readonly Range[]): string {
  let result = '';
  let from = 0;
  for (const [start, end] of ranges) {
    result += text.slice(from, start) + REDACTED;
    from = end;
  }
  return result + text.slice(from);
}

/** Keeps the length, unlike `toLowerCase`. */
function toLowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

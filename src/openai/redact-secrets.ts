/** Shorter pieces of a key are not recognized: they may be ordinary words. */
const MIN_FRAGMENT = 8;
const REDACTED = '[redacted]';

/**
 * Removes from a model's error text what it repeats of secrets: whole or in part, and anything that looks like an
 * address, a token or a key.
 *
 * @param secrets keys, tokens and host names in the form in which they are sent
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let redacted = text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]}]+/gi, REDACTED)
    .replace(/\bBearer\s+[^\s"',;]+/gi, `Bearer ${REDACTED}`)
    .replace(/\beyJ[\w-]+(\.[\w-]+)*/g, REDACTED);
  for (const secret of secrets) redacted = withoutFragments(redacted, secret);
  return redacted.replace(/\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9_]{32,}\b/g, REDACTED);
}

/** Providers repeat keys in part, as `abcdefgh***wxyz`: every run of characters that is also in the secret goes. */
function withoutFragments(text: string, secret: string): string {
  if (secret.length < MIN_FRAGMENT) return secret === '' ? text : text.replaceAll(secret, REDACTED);
  let result = '';
  let at = 0;
  while (at < text.length) {
    let length = 0;
    if (secret.includes(text.slice(at, at + MIN_FRAGMENT)) && at + MIN_FRAGMENT <= text.length) {
      length = MIN_FRAGMENT;
      while (at + length < text.length && secret.includes(text.slice(at, at + length + 1))) length += 1;
    }
    result += length === 0 ? text[at] : REDACTED;
    at += Math.max(length, 1);
  }
  return result;
}

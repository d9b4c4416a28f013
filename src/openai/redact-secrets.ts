/** Shorter fragments of a key are not recognized, because they may be ordinary words. */
const MIN_FRAGMENT = 8;
const REDACTED = '[redacted]';

/**
 * Removes secrets and their fragments from a model's error message, and anything that looks like an address, a token or
 * a key.
 *
 * @param secrets - keys, tokens and host names, as sent to the model
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let redacted = text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]}]+/gi, REDACTED)
    .replace(/\bBearer\s+[^\s"',;]+/gi, `Bearer ${REDACTED}`)
    .replace(/\beyJ[\w-]+(\.[\w-]+)*/g, REDACTED);
  for (const secret of secrets) redacted = withoutFragments(redacted, secret);
  return redacted.replace(/\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9_]{32,}\b/g, REDACTED);
}

/** Removes every fragment of the secret, because providers quote keys in part, such as `abcdefgh***wxyz`. */
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

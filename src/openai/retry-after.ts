/**
 * Returns the wait that a response asks for, from `retry-after-ms`, or from `retry-after` in seconds or as an HTTP
 * date.
 *
 * @returns whole seconds, rounded up; `undefined` if neither header has a valid value
 */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const milliseconds = decimal(headers.get('retry-after-ms'));
  if (milliseconds !== undefined) return Math.ceil(milliseconds / 1000);
  const text = headers.get('retry-after');
  const seconds = decimal(text);
  if (seconds !== undefined) return Math.ceil(seconds);
  // `Date.parse` takes a negative number for a year.
  const date = /[a-z]/i.test(text ?? '') ? Date.parse(text ?? '') : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

/** A header that was sent twice arrives as a list. The first value counts. */
function decimal(text: string | null): number | undefined {
  const [, number] = /^\s*(\d{1,9}(?:\.\d+)?)\s*(?:,|$)/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Number(number);
}

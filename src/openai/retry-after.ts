/**
 * Returns the wait that a response asks for, from `retry-after-ms`, or from `retry-after` in seconds or as an HTTP
 * date.
 *
 * @returns whole seconds, rounded up; `undefined` if neither header has a valid value
 */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (!Number.isNaN(milliseconds)) return Math.ceil(milliseconds / 1000);
  const text = headers.get('retry-after') ?? '';
  const seconds = Number.parseFloat(text);
  if (!Number.isNaN(seconds)) return Math.ceil(seconds);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

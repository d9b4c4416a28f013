/** Returns the cursor of the next page; `undefined` on the last page. */
export function nextCursorOf({ headers }: Response): string | undefined {
  return headers.get('x-has-more') === 'true' ? (headers.get('x-next-cursor') ?? undefined) : undefined;
}

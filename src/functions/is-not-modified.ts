import type { HttpRequest } from '@azure/functions';

/** Returns whether `If-None-Match` contains the tag, by weak comparison (RFC 9110), or `*`. */
export function isNotModified(request: HttpRequest, etag: string): boolean {
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}

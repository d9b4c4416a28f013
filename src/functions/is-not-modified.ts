import type { HttpRequest } from '@azure/functions';

/** Whether the caller has the answer with this tag already, by `If-None-Match` (RFC 9110, compared weakly). */
export function isNotModified(request: HttpRequest, etag: string): boolean {
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}

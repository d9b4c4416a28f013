import type { HttpRequest } from '@azure/functions';

/** What servers add to the tag of a response that they compress, such as Apache's `"tag-gzip"` and Jetty's `"tag--gzip"`. */
const COMPRESSION_SUFFIX = /[-;]{1,2}(gzip|br|deflate|zstd)"$/;

/** Returns whether `If-None-Match` contains the tag, by weak comparison (RFC 9110), or `*`. */
export function isNotModified(request: HttpRequest, etag: string): boolean {
  const known = (request.headers.get('if-none-match') ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, '').replace(COMPRESSION_SUFFIX, '"'));
  return known.includes(etag) || known.includes('*');
}

import type { HttpRequest } from '@azure/functions';

/**
 * A parameter of the route, as the host has decoded it. Never decode it again: that would let `%252F` through as `/`.
 *
 * With HTTP streaming, a query parameter whose name differs only in case from that of a route parameter changes the
 * spelling of its name, but never its value.
 */
export function routeParameter({ params }: HttpRequest, name: string): string | undefined {
  const spelling = Object.keys(params).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return spelling === undefined ? undefined : params[spelling];
}

import type { HttpRequest } from '@azure/functions';

/**
 * Returns a route parameter, already decoded by the host. Never decode it again: `%252F` would become `/`.
 *
 * With HTTP streaming, a query parameter whose name differs from that of a route parameter only in case changes the case
 * of the route parameter's name, but never its value.
 */
export function routeParameter({ params }: HttpRequest, name: string): string | undefined {
  const spelling = Object.keys(params).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return spelling === undefined ? undefined : params[spelling];
}

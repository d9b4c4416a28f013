import type { RegisteredFunction } from './functions-core.js';
import type { AuthLevel } from './function-keys.js';
import { RouteTemplate, type RouteParameters } from './route-template.js';

/** A function with an HTTP trigger, and its route. */
export interface FunctionRoute {
  readonly registered: RegisteredFunction;
  readonly triggerName: string;
  /** In upper case. */
  readonly methods: readonly string[];
  readonly authLevel: AuthLevel;
  /** Includes the route prefix. */
  readonly template: RouteTemplate;
}

/**
 * Creates the route of a function with an HTTP trigger.
 *
 * @throws Error for a route that the real host rejects
 */
export function createFunctionRoute(
  registered: RegisteredFunction,
  triggerName: string,
  routePrefix: string,
): FunctionRoute {
  const trigger = registered.metadata.bindings[triggerName];
  const given = trigger?.['route'];
  const route = (typeof given === 'string' ? given : registered.metadata.name).replace(/^\/+|\/+$/g, '');
  if (route.toLowerCase().startsWith('admin')) {
    throw new Error(`Its route "${route}" conflicts with the host's own routes. A route must not start with "admin".`);
  }
  const methods = Array.isArray(trigger?.['methods']) ? trigger['methods'].map(String) : [];
  return {
    registered,
    triggerName,
    methods: (methods.length > 0 ? methods : ['GET', 'POST']).map((method) => method.toUpperCase()),
    authLevel: parseAuthLevel(trigger?.['authLevel']),
    template: new RouteTemplate([routePrefix, route].filter(Boolean).join('/')),
  };
}

/** Finds the function for a method and a decoded path. */
export function findRoute(
  routes: readonly FunctionRoute[],
  method: string,
  path: string,
): { readonly route: FunctionRoute; readonly parameters: RouteParameters } | undefined {
  for (const route of routes) {
    if (!route.methods.includes(method)) continue;
    const parameters = route.template.match(path);
    if (parameters !== undefined) return { route, parameters };
  }
  return undefined;
}

/** Sorts routes into the order in which they are tried. */
export function sortRoutes(routes: readonly FunctionRoute[]): FunctionRoute[] {
  return routes.toSorted((first, second) => RouteTemplate.compare(first.template, second.template));
}

function parseAuthLevel(value: unknown): AuthLevel {
  const level = typeof value === 'string' ? value.toLowerCase() : 'function';
  if (level === 'anonymous' || level === 'function' || level === 'admin') return level;
  throw new Error(`Its authLevel is "${String(value)}". Expected anonymous, function or admin.`);
}

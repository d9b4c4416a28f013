import type { EntityFunction } from './durable/entity-runner.js';
import { createFunctionRoute, sortRoutes, type FunctionRoute } from './function-routes.js';
import type { RegisteredFunction } from './functions-core.js';
import type { TimerFunction } from './timer-trigger.js';

/** A function of the app and how this host serves it. */
export interface ServedFunction {
  readonly name: string;
  readonly kind: 'http' | 'entity' | 'timer' | 'not served';
  /** Methods and path of an HTTP function, name of an entity, schedule of a timer, or why the function is not served. */
  readonly detail: string;
}

/** An app's functions, grouped by trigger. */
export interface ServedFunctions {
  /** In the order of registration. */
  readonly list: readonly ServedFunction[];
  /** In the order in which they are tried. */
  readonly routes: readonly FunctionRoute[];
  /** By entity name in lower case. */
  readonly entities: ReadonlyMap<string, EntityFunction>;
  /** By function name in lower case. */
  readonly timers: ReadonlyMap<string, TimerFunction>;
}

export function sortFunctions(functions: Iterable<RegisteredFunction>, routePrefix: string): ServedFunctions {
  const list: ServedFunction[] = [];
  const routes: FunctionRoute[] = [];
  const entities = new Map<string, EntityFunction>();
  const timers = new Map<string, TimerFunction>();
  for (const registered of functions) {
    const { name, bindings } = registered.metadata;
    const [triggerName = '', trigger] = Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
    const type = trigger?.type.toLowerCase();
    if (type === 'httptrigger') {
      try {
        const route = createFunctionRoute(registered, triggerName, routePrefix);
        routes.push(route);
        list.push({ name, kind: 'http', detail: `${route.methods.join(',')} /${route.template.text}` });
      } catch (error) {
        list.push({ name, kind: 'not served', detail: error instanceof Error ? error.message : String(error) });
      }
    } else if (type === 'entitytrigger') {
      const entityName = typeof trigger?.['entityName'] === 'string' ? trigger['entityName'] : name;
      entities.set(entityName.toLowerCase(), { registered, triggerName });
      list.push({ name, kind: 'entity', detail: `entity ${entityName.toLowerCase()}` });
    } else if (type === 'timertrigger') {
      timers.set(name.toLowerCase(), { registered, triggerName });
      list.push({
        name,
        kind: 'timer',
        detail: `timer ${String(trigger?.['schedule'])}, run only by POST /admin/functions/${name}`,
      });
    } else {
      list.push({
        name,
        kind: 'not served',
        detail: `${trigger?.type ?? 'no trigger'}: not supported by the local host`,
      });
    }
  }
  return { list, routes: sortRoutes(routes), entities, timers };
}

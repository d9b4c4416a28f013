import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { EventJson, type EventsWithRuns } from '../../src/audit/http/event-json.js';

/** The JSON texts of served events. */
export function jsonsOf(page: EventsWithRuns): string[] {
  const json = new EventJson(page);
  return page.events.map((event) => json.textOf(event));
}

/** Served events. */
export function eventsOf(page: EventsWithRuns): CallbackEvent[] {
  return jsonsOf(page).map((json) => JSON.parse(json));
}

/** As many as the service with the narrowest transactions takes at once, beside the thread's head and the run. */
export const MAX_APPENDED_EVENTS = 90;

/** @throws RangeError when there are more events than a store takes at once */
export function checkAppendSize(events: readonly unknown[]): void {
  if (events.length <= MAX_APPENDED_EVENTS) return;
  throw new RangeError(`At most ${MAX_APPENDED_EVENTS} events can be appended at once, not ${events.length}.`);
}

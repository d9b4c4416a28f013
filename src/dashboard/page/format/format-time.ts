const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Formats a time, in milliseconds since 1970, with its date. */
export function formatTime(atMs: number): string {
  return dateAndTime.format(atMs);
}

export function formatTimeOfDay(atMs: number): string {
  return timeOfDay.format(atMs);
}

export function formatDay(atMs: number): string {
  return day.format(atMs);
}

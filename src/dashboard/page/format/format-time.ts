// Created on first use: the first formatter of a page takes 60 ms, which would delay the page's first request.
let dateAndTime: Intl.DateTimeFormat | undefined;
let timeOfDay: Intl.DateTimeFormat | undefined;
let day: Intl.DateTimeFormat | undefined;

/** Formats a time, in milliseconds since 1970, with its date. */
export function formatTime(atMs: number): string {
  dateAndTime ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
  return dateAndTime.format(atMs);
}

export function formatTimeOfDay(atMs: number): string {
  timeOfDay ??= new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
  return timeOfDay.format(atMs);
}

export function formatDay(atMs: number): string {
  day ??= new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
  return day.format(atMs);
}

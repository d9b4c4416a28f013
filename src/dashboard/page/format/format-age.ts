const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const;

/** Formats an age in its largest unit. Ages below ten seconds, including negative ages, are `now`. */
export function formatAge(ageMs: number): string {
  if (ageMs < 10_000) return 'now';
  for (const [unitMs, name] of UNITS) {
    if (ageMs >= unitMs) return `${Math.floor(ageMs / unitMs)} ${name} ago`;
  }
  return `${Math.floor(ageMs / 1000)} s ago`;
}

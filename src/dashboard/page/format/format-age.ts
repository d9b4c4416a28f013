const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const;

/** How long ago something was, in its biggest unit; `now` within the last ten seconds, also when clocks disagree. */
export function formatAge(ageMs: number): string {
  if (ageMs < 10_000) return 'now';
  for (const [unitMs, name] of UNITS) {
    if (ageMs >= unitMs) return `${Math.floor(ageMs / unitMs)} ${name} ago`;
  }
  return `${Math.floor(ageMs / 1000)} s ago`;
}

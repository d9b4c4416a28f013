import { formatCount } from './format-count.js';

/** A mark on an axis. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Longest durations in milliseconds that each unit is used for, with the unit's length. */
const TIME_UNITS = [
  { name: 'ms', ms: 1, upToMs: 1_000 },
  { name: 's', ms: 1_000, upToMs: 180_000 },
  { name: 'min', ms: 60_000, upToMs: 7_200_000 },
  { name: 'h', ms: 3_600_000, upToMs: Infinity },
] as const;

/** Returns the ticks of an axis of durations, from 0 to at least `maxMs`, in one unit. */
export function durationTicks(maxMs: number, mostSteps = 4): Tick[] {
  const unit = TIME_UNITS.find(({ upToMs }) => maxMs <= upToMs) ?? TIME_UNITS[3];
  return ticks(maxMs / unit.ms, mostSteps, 1 / unit.ms).map((value) => ({
    at: value * unit.ms,
    label: `${round(value)} ${unit.name}`,
  }));
}

/** Returns the ticks of an axis of counts, all whole numbers, from 0 to at least `max`. */
export function countTicks(max: number, mostSteps = 4): Tick[] {
  return ticks(max, mostSteps, 1).map((at) => ({ at, label: formatCount(at) }));
}

/** Steps of 1, 2 or 5 times a power of ten. */
function ticks(max: number, mostSteps: number, leastStep: number): number[] {
  const rough = (max || 1) / mostSteps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(leastStep, power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10));
  return Array.from({ length: Math.max(1, Math.ceil(max / step - 1e-9)) + 1 }, (_, index) => index * step);
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}

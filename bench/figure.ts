/** A measured figure and its target. */
export interface Figure {
  readonly name: string;
  /** The value with its unit. */
  readonly measured: string;
  /** Undefined for a figure without a target. */
  readonly target?: string;
  readonly isMet?: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Returns the value below which this fraction of all values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function atMost(name: string, value: number, unit: string, target: number, stretch?: number): Figure {
  const stretchText = stretch === undefined ? '' : `, stretch ${stretch} ${unit}`;
  return {
    name,
    measured: `${value.toFixed(1)} ${unit}`,
    target: `≤ ${target} ${unit}${stretchText}`,
    isMet: value <= target,
  };
}

export function atLeast(name: string, value: number, unit: string, target: number): Figure {
  return {
    name,
    measured: `${Math.round(value)} ${unit}`,
    target: `≥ ${target} ${unit}`,
    isMet: value >= target,
  };
}

/** Returns a Markdown table for the docs. */
export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, measured, target = '–', isMet }) => {
    const verdict = isMet === undefined ? '–' : isMet ? 'met' : '**not met**';
    return `| ${name} | ${measured} | ${target} | ${verdict} |`;
  });
  return ['| Figure | Measured | Target | |', '|---|---|---|---|', ...rows].join('\n');
}

import type { Cost } from '../api/telemetry-event.js';

// Created on first use, like the formatters of times.
let whole: Intl.NumberFormat | undefined;
let compact: Intl.NumberFormat | undefined;

/** Formats a count: `950`, `10,000`, `125.4K`. */
export function formatCount(count: number): string {
  whole ??= new Intl.NumberFormat('en');
  compact ??= new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
  return count < 100_000 ? whole.format(count) : compact.format(count);
}

/** Formats a count with its noun: `1 run`, `2 runs`. */
export function formatNumberOf(count: number, singular: string): string {
  return `${formatCount(count)} ${singular}${count === 1 ? '' : 's'}`;
}

/** Formats a cost: `0.0021 USD`. */
export function formatCost({ amount, currency }: Cost): string {
  return `${amount < 1 ? Number(amount.toPrecision(2)) : amount.toFixed(2)} ${currency}`;
}

/** Formats a share from 0 to 1: `2.5 %`. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

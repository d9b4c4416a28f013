import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { median, percentile } from '../thread/run-figures.js';

const WIDTH = 480;
const HEIGHT = 72;
const MOST_STEMS = 240;

export interface GapChartProps {
  /** Milliseconds between consecutive updates, in order. */
  readonly gaps: readonly number[];
  readonly runNumber: number;
}

/** The gaps between the updates of one run. With many gaps, each stem shows the longest of several. */
export function GapChart({ gaps, runNumber }: GapChartProps): VNode {
  const stems = longestOfEach(gaps, MOST_STEMS);
  const longest = Math.max(...stems, 0);
  const middle = median(gaps);
  const late = percentile(gaps, 0.95);
  const facts =
    middle === undefined || late === undefined
      ? ['fewer than two updates']
      : [
          `median of ${formatNumberOf(gaps.length, 'gap')}`,
          `95 % within ${formatDuration(late)}`,
          `longest ${formatDuration(longest)}`,
        ];
  const value = middle === undefined ? '–' : formatDuration(middle);
  const step = WIDTH / Math.max(stems.length, 24);
  const path = stems
    .map((gap, index) => {
      const height = longest === 0 ? 0 : Math.max(1, (gap / longest) * (HEIGHT - 2));
      return `M${((index + 0.5) * step).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}`;
    })
    .join('');

  return html`<figure class="chart chart-wide">
    <figcaption>
      <span class="chart-title">Gaps between updates, run ${runNumber}</span>
      <span class="chart-value">${value}</span>
      <span class="chart-note">${facts.map((fact) => html`<span key=${fact}>${fact}</span>`)}</span>
    </figcaption>
    <svg
      viewBox=${`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label=${`Gaps between the updates of run ${runNumber}: ${value}, ${facts.join(', ')}`}
    >
      <path class="stems" d=${path} style=${{ strokeWidth: `${Math.min(4, step * 0.7)}px` }} />
      <line class="chart-base" x1="0" x2=${WIDTH} y1=${HEIGHT - 0.5} y2=${HEIGHT - 0.5} />
    </svg>
  </figure>`;
}

function longestOfEach(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, index) =>
    Math.max(
      ...values.slice(Math.floor((index * values.length) / most), Math.floor(((index + 1) * values.length) / most)),
    ),
  );
}

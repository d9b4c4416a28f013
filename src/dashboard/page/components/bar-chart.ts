import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { median } from '../thread/run-figures.js';

const WIDTH = 240;
const HEIGHT = 64;
/** Limits the width of bars when there are only a few. */
const FEWEST_SLOTS = 12;

export interface Bar {
  readonly runIndex: number;
  /** Stacked from the bottom; `undefined` means unknown. */
  readonly values: readonly (number | undefined)[];
  readonly isFailed: boolean;
}

export interface BarChartProps {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly bars: readonly Bar[];
  /** Names of the stacked values, from the bottom. */
  readonly parts?: readonly string[] | undefined;
  /** The selected run. */
  readonly selected: number;
  readonly onSelect: (runIndex: number) => void;
}

/** One figure of several runs. A click selects a run. The table of runs holds the same values. */
export function BarChart({ title, format, bars, parts, selected, onSelect }: BarChartProps): VNode {
  const known = bars.map(totalOf).filter((value) => value !== undefined);
  const highest = Math.max(...known, 0);
  const middle = median(known);
  const slot = WIDTH / Math.max(bars.length, FEWEST_SLOTS);
  const chosen = bars.find(({ runIndex }) => runIndex === selected);
  const chosenText = chosen === undefined ? '–' : textOf(chosen, format);
  const summary =
    middle === undefined
      ? 'no data yet'
      : `median ${format(middle)}, highest ${format(highest)}, selected run ${chosenText}`;

  return html`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      <span class="chart-value">${chosenText}</span>
      <span class="chart-note">
        ${
          parts === undefined
            ? middle === undefined
              ? 'no data'
              : `median ${format(middle)}`
            : parts.map(
                (part, index) => html`<span key=${part}><span class=${`swatch swatch-${index}`}></span>${part}</span>`,
              )
        }
      </span>
    </figcaption>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${title}: ${summary}`}>
      ${bars.map((bar, index) => {
        const x = index * slot;
        let y = HEIGHT;
        return html`<g
          key=${bar.runIndex}
          class="bar"
          data-selected=${bar.runIndex === selected}
          data-failed=${bar.isFailed}
          onClick=${() => onSelect(bar.runIndex)}
        >
          <title>${`Run ${bar.runIndex + 1}: ${textOf(bar, format)}`}</title>
          <rect class="bar-slot" x=${x} y="0" width=${slot} height=${HEIGHT} />
          ${bar.values.map((value, part) => {
            if (value === undefined || highest === 0) return null;
            const height = Math.max(1, (value / highest) * (HEIGHT - 2));
            y -= height;
            return html`<rect
              class=${`bar-part bar-part-${part}`}
              x=${x + slot * 0.15}
              y=${y}
              width=${slot * 0.7}
              height=${height}
            />`;
          })}
        </g>`;
      })}
      <line class="chart-base" x1="0" x2=${WIDTH} y1=${HEIGHT - 0.5} y2=${HEIGHT - 0.5} />
    </svg>
  </figure>`;
}

function totalOf({ values }: Bar): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}

function textOf({ values, isFailed }: Bar, format: (value: number) => string): string {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return isFailed ? 'failed' : '–';
  return known.map(format).join(' → ');
}

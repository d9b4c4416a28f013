import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import type { Tick } from '../format/axis.js';

const WIDTH = 240;
const HEIGHT = 64;
/** Limits the width of columns when there are only a few. */
const FEWEST_SLOTS = 12;

export interface Column {
  readonly id: string;
  /** Its figures in words. */
  readonly title: string;
  /** Stacked from the bottom; `undefined` means unknown. */
  readonly values: readonly (number | undefined)[];
  /** Whether it stands out, if columns can be selected. */
  readonly isSelected?: boolean;
  readonly isFailed?: boolean;
}

export interface ColumnChartProps {
  readonly title: string;
  /** The figure that matters most. */
  readonly value?: string | undefined;
  readonly note?: ComponentChildren;
  /** What the chart shows, for screen readers. */
  readonly summary: string;
  readonly columns: readonly Column[];
  /** Marks of the vertical axis, with units. */
  readonly ticks: readonly Tick[];
  /** Marks of the horizontal axis: `at` counts columns. */
  readonly labels: readonly Tick[];
  /** Colors of the stacked values, from the bottom: see `tone-…` in charts.css. */
  readonly tones: readonly string[];
  readonly onSelect?: (id: string) => void;
}

/** Stacked vertical bars over labelled axes. */
export function ColumnChart(props: ColumnChartProps): VNode {
  const { title, value, note, summary, columns, ticks, labels, tones, onSelect } = props;
  const top = ticks.at(-1)?.at || 1;
  const slots = Math.max(columns.length, FEWEST_SLOTS);
  const slot = WIDTH / slots;
  const yOf = (figure: number): number => HEIGHT * (1 - figure / top);

  return html`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      ${value !== undefined && html`<span class="chart-value">${value}</span>`}
      <span class="chart-note">${note}</span>
    </figcaption>
    <div class="plot">
      <div class="plot-y" aria-hidden="true">
        ${ticks.map(({ at, label }) => html`<span key=${at} style=${{ bottom: `${(at / top) * 100}%` }}>${label}</span>`)}
      </div>
      <svg
        viewBox=${`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label=${`${title}: ${summary}`}
      >
        ${ticks.map(({ at }) => html`<line key=${`line-${at}`} class="plot-line" x2=${WIDTH} y1=${yOf(at)} y2=${yOf(at)} />`)}
        ${columns.map(({ id, title: words, values, isSelected = false, isFailed = false }, index) => {
          let sum = 0;
          return html`<g
            key=${id}
            class="column"
            data-faded=${onSelect && !isSelected}
            data-failed=${isFailed}
            onClick=${onSelect && (() => onSelect(id))}
          >
            <title>${words}</title>
            <rect class="column-slot" x=${index * slot} width=${slot} height=${HEIGHT} />
            ${values.map((figure, part) => {
              if (!figure) return null;
              sum += figure;
              return html`<rect
                class=${`tone-${tones[part]}`}
                x=${(index + 0.15) * slot}
                y=${yOf(sum)}
                width=${slot * 0.7}
                height=${Math.max(0.75, (figure / top) * HEIGHT)}
              />`;
            })}
          </g>`;
        })}
      </svg>
      <div class="plot-x" aria-hidden="true">
        ${labels.map(({ at, label }) => html`<span key=${at} style=${{ left: `${((at + 0.5) / slots) * 100}%` }}>${label}</span>`)}
      </div>
    </div>
  </figure>`;
}

/** Names of stacked values beside their colors. */
export function Legend({
  names,
  tones,
}: {
  readonly names: readonly string[];
  readonly tones: readonly string[];
}): VNode {
  return html`${names.map((name, index) => html`<span key=${name}><span class=${`swatch tone-${tones[index]}`}></span>${name}</span>`)}`;
}

import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import type { Tick } from '../format/axis.js';

export interface RowBar {
  /** On the scale of the axis. */
  readonly from: number;
  readonly to: number;
  /** Color: see `tone-…` in charts.css. */
  readonly tone: string;
}

export interface ChartRow {
  readonly id: string;
  readonly title: string;
  readonly bars: readonly RowBar[];
  /** Its figures in words: the bars are hidden from screen readers. */
  readonly value: ComponentChildren;
}

export interface RowChartProps {
  readonly label: string;
  readonly ticks: readonly Tick[];
  readonly rows: readonly ChartRow[];
  /** The selected row. */
  readonly selected?: string | undefined;
  /** Makes the titles buttons. */
  readonly onSelect?: (id: string) => void;
}

/** Rows of horizontal bars over one axis. */
export function RowChart({ label, ticks, rows, selected, onSelect }: RowChartProps): VNode {
  const end = ticks.at(-1)?.at || 1;
  const percent = (value: number): string => `${(Math.max(0, Math.min(1, value / end)) * 100).toFixed(3)}%`;
  const step = percent(ticks[1]?.at ?? end);
  return html`<div class="row-chart">
    <div class="row row-axis" aria-hidden="true">
      <span></span>
      <span class="row-track"
        >${ticks.map(({ at, label: text }) => html`<span key=${at} style=${{ left: percent(at) }}>${text}</span>`)}</span
      >
    </div>
    <ul aria-label=${label}>
      ${rows.map(
        ({ id, title, bars, value }) =>
          html`<li class="row" key=${id} data-selected=${id === selected} onClick=${onSelect && (() => onSelect(id))}>
            ${
              onSelect === undefined
                ? html`<span class="row-title" title=${title}>${title}</span>`
                : html`<button
                    class="row-title"
                    type="button"
                    title=${title}
                    aria-pressed=${id === selected ? 'true' : 'false'}
                  >
                    ${title}
                  </button>`
            }
            <span class="row-track" aria-hidden="true" style=${{ '--step': step }}>
              ${bars.map(
                ({ from, to, tone }, index) =>
                  html`<i
                    key=${index}
                    class=${`row-bar tone-${tone}`}
                    style=${{ left: percent(from), width: percent(to - from) }}
                  ></i>`,
              )}
            </span>
            <span class="row-value">${value}</span>
          </li>`,
      )}
    </ul>
  </div>`;
}

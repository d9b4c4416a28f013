import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { formatCount } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { figuresOf, gapsOf, type RunFigures } from '../thread/run-figures.js';
import type { ThreadState } from '../thread/thread-state.js';
import { BarChart } from './bar-chart.js';
import { GapChart } from './gap-chart.js';

const RUNS_IN_CHARTS = 60;

export interface ChartsProps {
  readonly state: ThreadState;
  readonly sentAtMs: ReadonlyMap<string, number>;
  readonly runIndex: number;
  readonly onSelect: (runIndex: number) => void;
}

interface Column {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly values: (figures: RunFigures) => readonly (number | undefined)[];
  readonly parts?: readonly string[];
}

const COLUMNS: readonly Column[] = [
  { title: 'First update', format: formatDuration, values: (figures) => [figures.firstUpdateMs] },
  { title: 'Total time', format: formatDuration, values: (figures) => [figures.totalMs] },
  { title: 'Tokens per second', format: formatRate, values: (figures) => [figures.tokensPerSecond] },
  {
    title: 'Tokens',
    format: formatCount,
    values: (figures) => [figures.inputTokens, figures.outputTokens],
    parts: ['input', 'output'],
  },
];

/** The figures of the thread's runs, and the gaps within the selected one. */
export function Charts({ state, sentAtMs, runIndex, onSelect }: ChartsProps): VNode {
  const { runs, events } = state;
  const firstIndex = Math.max(0, runs.length - RUNS_IN_CHARTS);
  const shown = useMemo(
    () => runs.slice(firstIndex).map((run) => ({ run, figures: figuresOf(run, sentAtMs.get(run.correlationId)) })),
    [runs, sentAtMs, firstIndex],
  );
  const gaps = useMemo(() => gapsOf(events, runIndex), [events, runIndex]);
  if (runs.length === 0) return html`<p class="muted nothing-yet">Charts appear after the first run.</p>`;

  return html`<div class="charts" tabindex="0" role="region" aria-label="Charts">
    ${firstIndex > 0 && html`<p class="muted">The latest ${RUNS_IN_CHARTS} of ${formatCount(runs.length)} runs.</p>`}
    <div class="charts-grid">
      ${COLUMNS.map(
        ({ title, format, values, parts }) =>
          html`<${BarChart}
            key=${title}
            title=${title}
            format=${format}
            parts=${parts}
            bars=${shown.map(({ run, figures }) => ({
              runIndex: run.number - 1,
              values: values(figures),
              isFailed: run.outcome.status === 'failed',
            }))}
            selected=${runIndex}
            onSelect=${onSelect}
          />`,
      )}
    </div>
    <${GapChart} gaps=${gaps} runNumber=${runIndex + 1} />
    <div class="runs-table">
      <table>
        <caption>
          Runs
        </caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">First update</th>
            <th scope="col">Total</th>
            <th scope="col">Tokens/s</th>
            <th scope="col">In</th>
            <th scope="col">Out</th>
          </tr>
        </thead>
        <tbody>
          ${shown.toReversed().map(({ run, figures }) => {
            const index = run.number - 1;
            return html`<tr key=${run.correlationId} data-selected=${index === runIndex}>
              <th scope="row">
                <button
                  type="button"
                  aria-pressed=${index === runIndex ? 'true' : 'false'}
                  onClick=${() => onSelect(index)}
                >
                  ${run.number}${run.outcome.status === 'failed' && html`<span class="failed-mark">failed</span>`}
                </button>
              </th>
              ${COLUMNS.flatMap(({ format, values }) => values(figures).map((value) => html`<td>${shownValue(value, format)}</td>`))}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </div>`;
}

function shownValue(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

function formatRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

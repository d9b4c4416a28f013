import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { countTicks, durationTicks, type Tick } from '../format/axis.js';
import { formatCount, formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { figuresOf, gapsOf, median, percentile, type RunFigures } from '../thread/run-figures.js';
import type { Run } from '../thread/run.js';
import type { ThreadState } from '../thread/thread-state.js';
import { type Column, ColumnChart, Legend } from './column-chart.js';

const RUNS_IN_CHARTS = 60;

export interface ChartsProps {
  readonly state: ThreadState;
  readonly sentAtMs: ReadonlyMap<string, number>;
  readonly runIndex: number;
  readonly onSelect: (runId: string) => void;
}

interface Figure {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly ticks: (max: number) => Tick[];
  readonly values: (figures: RunFigures) => readonly (number | undefined)[];
  readonly parts?: readonly string[];
}

const FIGURES: readonly Figure[] = [
  {
    title: 'First update',
    format: formatDuration,
    ticks: durationTicks,
    values: ({ firstUpdateMs }) => [firstUpdateMs],
  },
  { title: 'Total time', format: formatDuration, ticks: durationTicks, values: ({ totalMs }) => [totalMs] },
  { title: 'Tokens per second', format: formatRate, ticks: countTicks, values: (figures) => [figures.tokensPerSecond] },
  {
    title: 'Tokens',
    format: formatCount,
    ticks: countTicks,
    values: (figures) => [figures.inputTokens, figures.outputTokens],
    parts: ['input', 'output'],
  },
];

const TONES = ['main', 'other'] as const;
/** Fewer columns have room for one label only. */
const FEWEST_LABELLED = 5;
const MOST_GAPS = 240;

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
    <div class="charts-grid">${FIGURES.map((figure) => renderFigure(figure, shown, runIndex, onSelect))}</div>
    ${renderGaps(gaps, runIndex + 1)}
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
                  onClick=${() => onSelect(run.correlationId)}
                >
                  ${run.number}${run.outcome.status === 'failed' && html`<span class="failed-mark">failed</span>`}
                </button>
              </th>
              ${FIGURES.flatMap(({ format, values }) => values(figures).map((value) => html`<td>${shownValue(value, format)}</td>`))}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </div>`;
}

interface ShownRun {
  readonly run: Run;
  readonly figures: RunFigures;
}

/** One figure of several runs. A click selects a run. The table of runs holds the same values. */
function renderFigure(
  { title, format, ticks, values, parts }: Figure,
  shown: readonly ShownRun[],
  selected: number,
  onSelect: (runId: string) => void,
): VNode {
  const columns = shown.map(({ run, figures }): Column & { readonly words: string } => {
    const known = values(figures);
    const isFailed = run.outcome.status === 'failed';
    const texts = known.filter((value) => value !== undefined).map(format);
    const words = texts.length === 0 ? (isFailed ? 'failed' : '–') : texts.join(' → ');
    return {
      id: run.correlationId,
      title: `Run ${run.number}: ${words}`,
      words,
      values: known,
      isFailed,
      isSelected: run.number - 1 === selected,
    };
  });
  const sums = columns.filter((column) => column.values.some((value) => value !== undefined)).map(sumOf);
  const chosen = columns.find(({ isSelected }) => isSelected)?.words ?? '–';
  const middle = median(sums);
  const highest = Math.max(...sums, 0);
  return html`<${ColumnChart}
    key=${title}
    title=${title}
    value=${chosen}
    note=${parts === undefined ? (middle === undefined ? 'no data' : `median ${format(middle)}`) : html`<${Legend} names=${parts} tones=${TONES} />`}
    summary=${middle === undefined ? 'no data yet' : `median ${format(middle)}, highest ${format(highest)}, selected run ${chosen}`}
    columns=${columns}
    ticks=${ticks(highest)}
    labels=${endLabels(columns.length, 'run', shown[0]?.run.number ?? 1)}
    tones=${TONES}
    onSelect=${onSelect}
  />`;
}

/** The gaps between the updates of one run. With many gaps, each column shows the longest of several. */
function renderGaps(gaps: readonly number[], runNumber: number): VNode {
  const columns = longestOfEach(gaps, MOST_GAPS);
  const longest = Math.max(...columns, 0);
  const [middle, late] = [median(gaps), percentile(gaps, 0.95)];
  const facts =
    middle === undefined || late === undefined
      ? ['fewer than two updates']
      : [
          `median of ${formatNumberOf(gaps.length, 'gap')}`,
          `95 % within ${formatDuration(late)}`,
          `longest ${formatDuration(longest)}`,
        ];
  const value = middle === undefined ? '–' : formatDuration(middle);
  return html`<${ColumnChart}
    title=${`Gaps between the updates of run ${runNumber}`}
    value=${value}
    note=${facts.map((fact) => html`<span key=${fact}>${fact}</span>`)}
    summary=${`${value}, ${facts.join(', ')}`}
    columns=${columns.map((gap, index) => ({ id: String(index), title: formatDuration(gap), values: [gap] }))}
    ticks=${durationTicks(longest)}
    labels=${endLabels(columns.length, 'gap', 1, gaps.length)}
    tones=${TONES}
  />`;
}

/** Labels the first and the last column, unless they are so close that the labels would overlap. */
function endLabels(count: number, noun: string, first: number, last = first + count - 1): Tick[] {
  const labels = [
    { at: 0, label: `${noun} ${first}` },
    { at: count - 1, label: formatCount(last) },
  ];
  return labels.slice(0, Math.min(count, count < FEWEST_LABELLED ? 1 : 2));
}

function sumOf({ values }: Column): number {
  return values.reduce<number>((sum, value = 0) => sum + value, 0);
}

function longestOfEach(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, index) =>
    Math.max(
      ...values.slice(Math.floor((index * values.length) / most), Math.floor(((index + 1) * values.length) / most)),
    ),
  );
}

function shownValue(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

function formatRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

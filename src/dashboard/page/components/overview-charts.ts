import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import type { AgentStats } from '../api/agent-stats.js';
import { countTicks, durationTicks, type Tick } from '../format/axis.js';
import { formatCost, formatCount, formatNumberOf, formatShare } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { formatDay, formatTime, formatTimeOfDay } from '../format/format-time.js';
import { mergeBuckets, mergeFailures, type RunBucket, sumOf } from '../overview/merge-stats.js';
import { ColumnChart, Legend } from './column-chart.js';
import { type ChartRow, RowChart } from './row-chart.js';

interface StatsProps {
  /** One for each agent. */
  readonly stats: readonly AgentStats[];
}

const RUN_NAMES = ['completed', 'failed', 'cancelled', 'not ended'] as const;
const RUN_TONES = ['main', 'failed', 'other', 'wait'] as const;
const TOKEN_TONES = ['main', 'other'] as const;
const LATENCY_TONES = ['main', 'soft'] as const;
/** Steps of horizontal axes, which have less room. */
const ROW_STEPS = 3;
const DAY_MS = 86_400_000;

/** Runs over time, by outcome. */
export function RunChart({ stats }: StatsProps): VNode {
  const buckets = mergeBuckets(stats);
  const highest = Math.max(...buckets.map((bucket) => sumOf(valuesOf(bucket))), 0);
  const counts = RUN_NAMES.map(
    (name, index) => `${formatCount(sumOf(buckets.map((bucket) => valuesOf(bucket)[index] ?? 0)))} ${name}`,
  );
  return html`<div class="card card-wide">
    <${ColumnChart}
      title="Runs over time"
      note=${html`<${Legend} names=${RUN_NAMES} tones=${RUN_TONES} />`}
      summary=${counts.join(', ')}
      columns=${buckets.map((bucket) => ({
        id: String(bucket.startMs),
        title: `${formatTime(bucket.startMs)}: ${formatNumberOf(sumOf(valuesOf(bucket)), 'run')}, ${bucket.failed} failed`,
        values: valuesOf(bucket),
      }))}
      ticks=${countTicks(highest)}
      labels=${timeLabels(buckets)}
      tones=${RUN_TONES}
    />
  </div>`;
}

/** Failed runs by error code. */
export function FailureChart({ stats }: StatsProps): VNode {
  const failures = mergeFailures(stats);
  const runs = sumOf(stats.map(({ totals }) => totals.completed + totals.failed));
  const rows = failures.map(([code, count]) => ({
    id: code,
    title: code,
    bars: [{ from: 0, to: count, tone: 'failed' }],
    value: `${formatCount(count)} (${formatShare(count / Math.max(runs, 1))})`,
  }));
  return renderRows(
    'Failed runs by error code',
    'of completed and failed runs',
    rows,
    countTicks(failures[0]?.[1] ?? 0, ROW_STEPS),
    'No run failed.',
  );
}

export interface LatencyChartProps extends StatsProps {
  readonly title: string;
  readonly of: 'first_update_ms' | 'total_ms';
}

/** A duration of completed runs: its median and 95th percentile by agent. */
export function LatencyChart({ title, stats, of }: LatencyChartProps): VNode {
  const rows = stats.flatMap(({ agent_name: name, [of]: { p50, p95 } }): ChartRow[] => {
    if (p50 === null || p95 === null) return [];
    const bars = [
      { from: 0, to: p50, tone: LATENCY_TONES[0] },
      { from: p50, to: p95, tone: LATENCY_TONES[1] },
    ];
    return [{ id: name, title: name, bars, value: `${formatDuration(p50)} / ${formatDuration(p95)}` }];
  });
  const longest = Math.max(...stats.map(({ [of]: { p95 } }) => p95 ?? 0));
  const note = html`<span>completed runs</span><${Legend} names=${['p50', 'p95']} tones=${LATENCY_TONES} />`;
  return renderRows(title, note, rows, durationTicks(longest, ROW_STEPS), 'No run was completed.');
}

/** Tokens and cost by agent. */
export function TokenChart({ stats }: StatsProps): VNode {
  const used = stats.filter(({ totals }) => totals.input_token_count + totals.output_token_count > 0);
  const rows = used.map(({ agent_name: name, totals }) => {
    const { input_token_count: input, output_token_count: output, cost } = totals;
    const bars = [
      { from: 0, to: input, tone: TOKEN_TONES[0] },
      { from: input, to: input + output, tone: TOKEN_TONES[1] },
    ];
    const words = `${formatCount(input + output)}${cost === undefined ? '' : ` · ${formatCost(cost)}`}`;
    return { id: name, title: name, bars, value: words };
  });
  const most = Math.max(...used.map(({ totals }) => totals.input_token_count + totals.output_token_count), 0);
  const note = html`<${Legend} names=${['input', 'output']} tones=${TOKEN_TONES} />`;
  return renderRows('Tokens and cost by agent', note, rows, countTicks(most, ROW_STEPS), 'No tokens were reported.');
}

function renderRows(
  title: string,
  note: ComponentChildren,
  rows: readonly ChartRow[],
  ticks: readonly Tick[],
  nothing: string,
): VNode {
  return html`<section class="card" aria-label=${title}>
    <h2 class="chart-title">${title}</h2>
    ${
      rows.length === 0
        ? html`<p class="muted">${nothing}</p>`
        : html`<p class="chart-note">${note}</p>
            <${RowChart} label=${title} ticks=${ticks} rows=${rows} />`
    }
  </section>`;
}

function valuesOf({ completed, failed, cancelled, open }: RunBucket): readonly number[] {
  return [completed, failed, cancelled, open];
}

/** Labels the first, the middle and the last column. */
function timeLabels(buckets: readonly RunBucket[]): Tick[] {
  const last = buckets.length - 1;
  const lengthMs = (buckets[last]?.startMs ?? 0) - (buckets[0]?.startMs ?? 0);
  const format = lengthMs > 2 * DAY_MS ? formatDay : formatTimeOfDay;
  return [...new Set([0, Math.round(last / 2), last])].flatMap((at) => {
    const bucket = buckets[at];
    return bucket === undefined ? [] : [{ at, label: format(bucket.startMs) }];
  });
}

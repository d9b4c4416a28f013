import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import type { TelemetryApi } from '../api/telemetry-api.js';
import { formatCost, formatCount, formatShare } from '../format/format-count.js';
import { useKeptChoice } from '../hooks/use-kept-choice.js';
import { type Overview, useOverview } from '../hooks/use-overview.js';
import { mergeCosts, sumOf } from '../overview/merge-stats.js';
import { NEW_THREAD_HREF, THREADS_HREF, threadHref } from '../route.js';
import { FailureChart, LatencyChart, RunChart, TokenChart } from './overview-charts.js';

const HOUR_MS = 3_600_000;

const RANGES = {
  '1h': { title: '1 hour', sinceMs: HOUR_MS },
  '24h': { title: '24 hours', sinceMs: 24 * HOUR_MS },
  '7d': { title: '7 days', sinceMs: 7 * 24 * HOUR_MS },
  all: { title: 'All', sinceMs: undefined },
} as const;

type Range = keyof typeof RANGES;
const RANGE_IDS = Object.keys(RANGES).filter((id): id is Range => id in RANGES);

export interface OverviewPaneProps {
  readonly api: TelemetryApi;
  /** `undefined` until the app responds. */
  readonly agentNames: readonly string[] | undefined;
  /** Changes when the figures may have changed. */
  readonly revision: unknown;
}

/** The start page: what all agents did in a range of time. */
export function OverviewPane({ api, agentNames, revision }: OverviewPaneProps): VNode {
  const [range, setRange] = useKeptChoice<Range>('overview-range', RANGE_IDS, '24h');
  const { overview, failure } = useOverview(api, agentNames, RANGES[range].sinceMs, revision);

  return html`<main class="pane" tabindex="-1" aria-label="Overview">
    <header class="pane-head overview-head">
      <h1>Overview</h1>
      <a class="button phone-only" href=${THREADS_HREF}>Threads</a>
      <div class="ranges" role="group" aria-label="Time range">
        ${RANGE_IDS.map(
          (id) =>
            html`<button
              key=${id}
              class="text-button"
              type="button"
              aria-pressed=${id === range ? 'true' : 'false'}
              onClick=${() => setRange(id)}
            >
              ${RANGES[id].title}
            </button>`,
        )}
      </div>
    </header>
    <div class="overview-body" role="region" aria-label="Figures" tabindex="0">
      ${failure !== undefined && html`<p class="problem" role="alert">The figures could not be read: ${failure}</p>`}
      ${overview === undefined ? failure === undefined && html`<p class="muted">Reading the figures…</p>` : renderOverview(overview)}
    </div>
  </main>`;
}

function renderOverview({ stats, health, waiting }: Overview): VNode {
  const runs = sumOf(stats.map(({ totals }) => totals.runs));
  const truncated = stats.find((each) => each.truncated === true);
  return html`${renderWaiting(waiting)}
    <dl class="tiles">
      ${tilesOf({ stats, health, waiting }).map(([name, value, note]) => renderTile(name, value, note))}
    </dl>
    ${
      runs === 0
        ? html`<div class="welcome">
            <p class="welcome-title">No runs in this time.</p>
            <p class="muted">Send a message and watch the answer stream in. Its figures appear here.</p>
            <p><a class="button button-main" href=${NEW_THREAD_HREF}>New thread</a></p>
          </div>`
        : html`<div class="overview-grid">
            <${RunChart} stats=${stats} />
            <${FailureChart} stats=${stats} />
            <${LatencyChart} title="First update" stats=${stats} of=${'first_update_ms'} />
            <${LatencyChart} title="Total time" stats=${stats} of=${'total_ms'} />
            <${TokenChart} stats=${stats} />
          </div>`
    }
    ${truncated !== undefined && html`<p class="muted">${truncated.agent_name} has more runs in this time than the app reads at once. Its figures cover only the latest ones.</p>`}`;
}

function renderTile(name: string, value: ComponentChildren, note: string): VNode {
  return html`<div class="tile" key=${name}>
    <dt>${name}</dt>
    <dd>${value}</dd>
    ${note !== '' && html`<dd class="muted">${note}</dd>`}
  </div>`;
}

function tilesOf({ stats, health, waiting }: Overview): [string, string, string][] {
  const sum = (key: 'runs' | 'completed' | 'failed' | 'running' | 'input_token_count' | 'output_token_count'): number =>
    sumOf(stats.map(({ totals }) => totals[key]));
  const ended = sum('completed') + sum('failed');
  const {
    kind,
    status,
    lost_events: lost,
  } = health.callback_store ?? { kind: 'unknown', status: 'unknown', lost_events: 0 };
  const costs = mergeCosts(stats).map(formatCost);
  return [
    ['Runs', formatCount(sum('runs')), `${formatCount(sum('running'))} running`],
    [
      'Failed',
      ended === 0 ? '–' : formatShare(sum('failed') / ended),
      `${formatCount(sum('failed'))} of ${formatCount(ended)} completed or failed`,
    ],
    ['Waiting for approval', formatCount(waiting.length), ''],
    [
      'Tokens',
      formatCount(sum('input_token_count') + sum('output_token_count')),
      `${formatCount(sum('output_token_count'))} of them output`,
    ],
    ['Cost', costs.length === 0 ? '–' : costs.join(' + '), costs.length === 0 ? 'no prices are set' : ''],
    ['Event store', status, `${kind}, ${formatCount(lost)} lost events`],
  ];
}

function renderWaiting(waiting: Overview['waiting']): VNode | false {
  if (waiting.length === 0) return false;
  return html`<section class="waiting-list" aria-labelledby="waiting-title">
    <h2 id="waiting-title">Waiting for approval</h2>
    <ul>
      ${waiting.map(
        ({ agentName, thread_id: threadId, title }) =>
          html`<li key=${`${agentName}/${threadId}`}>
            <a href=${threadHref({ agentName, threadId })}>${title.trim() || threadId}</a>
            <span class="muted">${agentName}</span>
          </li>`,
      )}
    </ul>
  </section>`;
}

import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { formatCost, formatCount, formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { formatTime } from '../format/format-time.js';
import { useNow } from '../hooks/use-now.js';
import { useRunDetails } from '../hooks/use-run-details.js';
import { threadHref } from '../route.js';
import { isEnded, isWaitingForApproval, type Run } from '../thread/run.js';
import { figuresOf, gapsOf, median, percentile } from '../thread/run-figures.js';
import { stepsOf } from '../thread/run-steps.js';
import type { ThreadState } from '../thread/thread-state.js';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { CopyButton } from './copy-button.js';
import { StepDetail } from './step-detail.js';
import { Waterfall } from './waterfall.js';

export interface RunInspectorProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  readonly state: ThreadState;
  readonly run: Run;
  /** When this page sent its message, on the page's clock. */
  readonly sentAtMs: number | undefined;
  /** Shows an event among all events of the thread. */
  readonly onShowEvent: (event: TimelineEvent) => void;
}

/** One run: its facts, where its time went, and what each step did. */
export function RunInspector({ api, thread, state, run, sentAtMs, onShowEvent }: RunInspectorProps): VNode {
  const [selected, setSelected] = useState<string>();
  const { record, earlier, failure } = useRunDetails(api, thread, run);
  const index = run.number - 1;
  const events = useMemo(() => state.events.filter(({ runIndex }) => runIndex === index), [state.events, index]);
  const steps = useMemo(() => stepsOf(run, events, earlier, record), [run, events, earlier, record]);
  const now = useNow(isEnded(run) ? undefined : 500);
  const step = steps.find(({ id }) => id === selected) ?? steps.findLast(({ kind }) => kind === 'model');

  return html`<section class="inspector" tabindex="0" aria-labelledby="inspector-title">
    <header class="inspector-head">
      <h2 id="inspector-title">Run ${run.number}</h2>
      <span class="inspector-status" data-status=${run.outcome.status}>${statusOf(run)}</span>
      <${CopyButton}
        text=${new URL(threadHref(thread, run.correlationId), location.href).href}
        label="Copy link"
        name=${`Copy link to run ${run.number}`}
      />
    </header>
    <dl class="facts">
      ${factsOf(run, sentAtMs, gapsOf(events, index)).map(([name, value]) => renderFact(name, value))}
    </dl>
    ${failure !== undefined && html`<p class="problem" role="alert">Some details could not be read: ${failure}</p>`}
    <${Waterfall} run=${run} steps=${steps} now=${now} selected=${step?.id} onSelect=${setSelected} />
    ${step !== undefined && html`<${StepDetail} step=${step} onShowEvent=${onShowEvent} />`}
  </section>`;
}

function renderFact(name: string, value: ComponentChildren): VNode {
  return html`<div key=${name}>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function statusOf(run: Run): string {
  const { outcome } = run;
  if (isWaitingForApproval(run)) return 'Waiting for approval';
  if (outcome.status === 'failed') return outcome.code === 'cancelled' ? 'Cancelled' : `Failed: ${outcome.code}`;
  return { streaming: 'Running', restarting: 'Starting over', answered: 'Completed' }[outcome.status];
}

function factsOf(run: Run, sentAtMs: number | undefined, gaps: readonly number[]): [string, ComponentChildren][] {
  const { firstUpdateMs, totalMs, inputTokens, outputTokens } = figuresOf(run, sentAtMs);
  const { outcome, correlationId } = run;
  const [middle, late] = [median(gaps), percentile(gaps, 0.95)];
  const facts: [string, ComponentChildren][] = [
    [
      'Correlation id',
      html`<code>${correlationId}</code>
        <${CopyButton} text=${correlationId} label="Copy" name="Copy the correlation id" />`,
    ],
    ['Attempt', run.attempt],
    [run.isStartKnown ? 'Accepted' : 'First event', formatTime(run.startedAtMs)],
  ];
  if (isEnded(run)) facts.push(['Ended', formatTime(run.lastEventAtMs)]);
  if (firstUpdateMs !== undefined) facts.push(['First update', `after ${formatDuration(firstUpdateMs)}`]);
  if (totalMs !== undefined) facts.push(['Total', formatDuration(totalMs)]);
  facts.push([
    'Updates',
    middle === undefined || late === undefined
      ? formatCount(run.updateCount)
      : `${formatCount(run.updateCount)}, ${formatDuration(middle)} apart (95 % within ${formatDuration(late)})`,
  ]);
  if (inputTokens !== undefined && outputTokens !== undefined)
    facts.push(['Tokens', `${formatCount(inputTokens)} in, ${formatCount(outputTokens)} out`]);
  if (outcome.status === 'answered' && outcome.cost !== undefined) facts.push(['Cost', formatCost(outcome.cost)]);
  if (run.lostEvents > 0) facts.push(['Lost', formatNumberOf(run.lostEvents, 'event')]);
  return facts;
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { durationTicks } from '../format/axis.js';
import { formatDuration } from '../format/format-duration.js';
import { isEnded, type Run } from '../thread/run.js';
import type { RunStep } from '../thread/run-steps.js';
import { type RowBar, RowChart } from './row-chart.js';

export interface WaterfallProps {
  readonly run: Run;
  readonly steps: readonly RunStep[];
  /** Milliseconds since 1970. Steps that are still running are drawn up to here. */
  readonly now: number;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

const TONES = { queue: 'soft', model: 'main', tool: 'other', approval: 'wait', attempt: 'soft' } as const;

/** Shows where the time of a run went, from its acceptance to its end. */
export function Waterfall({ run, steps, now, selected, onSelect }: WaterfallProps): VNode {
  const startMs = Math.min(run.startedAtMs, ...steps.map((step) => step.startMs));
  const endMs = Math.max(isEnded(run) ? run.lastEventAtMs : now, startMs);
  const waits = steps
    .filter(({ kind }) => kind === 'approval')
    .map((step) => [step.startMs, step.endMs ?? endMs] as const);
  const waitedMs = timeWithin(waits, startMs, endMs);
  // A person may take hours. On the same scale, the work would be too small to see.
  const isWaitCut = waitedMs > endMs - startMs - waitedMs;
  const at = (ms: number): number => ms - startMs - (isWaitCut ? timeWithin(waits, startMs, ms) : 0);

  const barsOf = ({ kind, startMs: from, firstUpdateMs, endMs: to = endMs, isFailed }: RunStep): RowBar[] => {
    const tone = isFailed ? 'failed' : TONES[kind];
    if (firstUpdateMs === undefined)
      return [{ from: at(from), to: at(to), tone: kind === 'model' && !isFailed ? 'soft' : tone }];
    return [
      { from: at(from), to: at(firstUpdateMs), tone: 'soft' },
      { from: at(firstUpdateMs), to: at(to), tone },
    ];
  };
  return html`<div class="waterfall">
    <${RowChart}
      label="Steps of the run"
      ticks=${durationTicks(at(endMs), 3)}
      rows=${steps.map((step) => ({ id: step.id, title: step.title, bars: barsOf(step), value: lengthOf(step, endMs) }))}
      selected=${selected}
      onSelect=${onSelect}
    />
    <p class="muted waterfall-note">
      ${isWaitCut ? `Time since the run was accepted, without ${formatDuration(waitedMs)} of waiting for approval.` : 'Time since the run was accepted. Pale: waiting.'}
    </p>
  </div>`;
}

function lengthOf({ startMs, endMs }: RunStep, nowMs: number): string {
  return `${formatDuration(Math.max(0, (endMs ?? nowMs) - startMs))}${endMs === undefined ? '…' : ''}`;
}

/** Returns how much of the time between two moments lies within any of the spans. */
function timeWithin(spans: readonly (readonly [number, number])[], fromMs: number, toMs: number): number {
  let sum = 0;
  let reachedMs = fromMs;
  for (const [start, end] of spans.toSorted(([one], [other]) => one - other)) {
    const to = Math.min(end, toMs);
    sum += Math.max(0, to - Math.max(start, reachedMs));
    reachedMs = Math.max(reachedMs, to);
  }
  return sum;
}

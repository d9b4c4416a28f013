import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import type { SupersededAttempts } from '../hooks/use-superseded-attempts.js';
import { isSuperseded } from '../thread/superseded-events.js';
import type { ThreadState } from '../thread/thread-state.js';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { Charts } from './charts.js';
import { RunInspector } from './run-inspector.js';
import { Timeline } from './timeline.js';

export interface ThreadPanelProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  readonly state: ThreadState;
  /** When this page sent each message, by correlation id: milliseconds on the page's clock. */
  readonly sentAtMs: ReadonlyMap<string, number>;
  readonly view: 'run' | 'events' | 'charts';
  /** Index of the chosen run; that of no run if the thread has no events of it. */
  readonly runIndex: number;
  /** What to say instead of the run if the thread has no events of it. */
  readonly noRunText: string;
  readonly superseded: SupersededAttempts;
  /** Sequence of the selected event. */
  readonly activeSequence: number | undefined;
  readonly onActivate: (sequence: number | undefined) => void;
  readonly onSelect: (runId: string) => void;
  /** Called when the view of all events should show. */
  readonly onShowEvents: () => void;
}

/** The chosen run, all events or the charts of a thread. */
export function ThreadPanel(props: ThreadPanelProps): VNode {
  const { api, thread, state, sentAtMs, view, runIndex, noRunText, superseded, activeSequence } = props;
  const { onActivate, onSelect, onShowEvents } = props;
  if (view === 'charts') {
    return html`<${Charts} state=${state} sentAtMs=${sentAtMs} runIndex=${runIndex} onSelect=${onSelect} />`;
  }
  if (view === 'events') {
    return html`<${Timeline}
      state=${state}
      runIndex=${runIndex}
      onSelect=${onSelect}
      superseded=${superseded}
      activeSequence=${activeSequence}
      onActivate=${onActivate}
    />`;
  }
  const run = state.runs[runIndex];
  if (run === undefined) return html`<p class="muted nothing-yet">${noRunText}</p>`;
  return html`<${RunInspector}
    key=${run.correlationId}
    api=${api}
    thread=${thread}
    state=${state}
    run=${run}
    sentAtMs=${sentAtMs.get(run.correlationId)}
    onShowEvent=${(event: TimelineEvent) => {
      if (isSuperseded(event, state.runs)) superseded.show(true);
      onActivate(event.sequence);
      onShowEvents();
    }}
  />`;
}

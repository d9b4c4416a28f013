import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { formatTime } from '../format/format-time.js';
import type { RunStep } from '../thread/run-steps.js';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { CodeBlock, readableJson } from './code-block.js';
import { RawEvent } from './raw-event.js';
import { ToolDetails } from './tool-call.js';

export interface StepDetailProps {
  readonly step: RunStep;
  readonly onShowEvent: (event: TimelineEvent) => void;
}

/** What a step of a run did: the merged text of a model call, or the arguments and result of a tool. */
export function StepDetail({ step, onShowEvent }: StepDetailProps): VNode {
  const { title, startMs, endMs, events } = step;
  const [first] = events;
  const text = events.map(({ kind, text: piece }) => (kind === 'text' || kind === 'reasoning' ? piece : '')).join('');
  return html`<section class="step-detail" aria-label=${title}>
    <header>
      <h3>${title}</h3>
      <p class="muted">${formatTime(startMs)}${endMs !== undefined && `, for ${formatDuration(endMs - startMs)}`}</p>
    </header>
    ${text !== '' && html`<${CodeBlock} title="Text" text=${text} name="the text of this step" />`} ${renderCall(step)}
    ${events
      .filter(({ kind }) => kind !== 'text' && kind !== 'reasoning')
      .map((event) => html`<${RawEvent} key=${event.sequence} event=${event} />`)}
    ${
      first !== undefined &&
      html`<button class="button" type="button" onClick=${() => onShowEvent(first)}>
        Show ${formatNumberOf(events.length, 'event')}
      </button>`
    }
  </section>`;
}

function renderCall({ kind, events }: RunStep): VNode | false {
  const sources = events.map(({ source }) => source);
  const failed = sources.find((source) => source.event_type === 'failed');
  if (failed !== undefined) return html`<p class="problem">${failed.error_message}</p>`;
  if (kind === 'approval') {
    const last = sources.findLast((source) => source.event_type === 'approval');
    if (last === undefined) return false;
    const { state, decided_by: by, reason } = last;
    return html`<p>
        ${state === 'requested' ? 'Nobody has decided yet.' : `This call was ${state}${by ? ` by ${by}` : ''}.`}${reason && ` Reason: ${reason}`}
      </p>
      <${CodeBlock} title="Arguments" text=${readableJson(last.arguments)} name="arguments" />`;
  }
  if (kind !== 'tool') return false;
  const updates = sources.filter((source) => source.event_type === 'stream');
  const call = updates.find(({ update_kind: update }) => update === 'tool_call');
  const answer = updates.find(({ update_kind: update }) => update === 'tool_result');
  return html`<${ToolDetails}
    given=${call?.arguments}
    outcome=${answer && { result: answer.result, isError: answer.is_error === true, durationMs: answer.duration_ms }}
  />`;
}

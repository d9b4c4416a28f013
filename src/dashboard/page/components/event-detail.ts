import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatTime } from '../format/format-time.js';
import type { Run } from '../thread/run.js';
import { isSuperseded } from '../thread/superseded-events.js';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { CopyButton } from './copy-button.js';
import { RawEvent } from './raw-event.js';

export interface EventDetailProps {
  readonly event: TimelineEvent;
  readonly runs: readonly Run[];
}

/** The selected event of the timeline: its place, full text and raw JSON. */
export function EventDetail({ event, runs }: EventDetailProps): VNode {
  const { sequence, kind, type, atMs, text } = event;
  return html`<section class="event-detail" aria-label="Selected event" tabindex="0">
    <p class="muted">
      ${[`#${sequence}`, kind ?? type, formatTime(atMs), placeOf(event, runs)].join(' · ')}${' '}
      <${CopyButton} text=${text} label="Copy text" name="Copy text of this event" />
    </p>
    <p class="event-detail-text">${text}</p>
    <${RawEvent} key=${sequence} event=${event} />
  </section>`;
}

function placeOf(event: TimelineEvent, runs: readonly Run[]): string {
  const run = event.runIndex < 0 ? 'a run that is restarting' : `run ${event.runIndex + 1}`;
  if (isSuperseded(event, runs)) return `${run} · attempt ${event.attempt}, superseded`;
  return event.attempt > 1 ? `${run} · attempt ${event.attempt}` : run;
}

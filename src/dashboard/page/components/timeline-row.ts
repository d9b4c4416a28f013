import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatDuration } from '../format/format-duration.js';
import type { TimelineEvent } from '../thread/timeline-event.js';

const PREVIEW_CHARACTERS = 160;

const encoder = new TextEncoder();

export interface TimelineRowProps {
  readonly event: TimelineEvent;
  /** Position among all rows. */
  readonly index: number;
  readonly rowCount: number;
  readonly rowPx: number;
  /** Time from the start of its run to the event. */
  readonly sinceStartMs: number;
  readonly isActive: boolean;
  /** Whether it is the first of its attempt. */
  readonly isFirst: boolean;
  readonly isSuperseded: boolean;
  /** Whether it belongs to the chosen run. */
  readonly isOfChosenRun: boolean;
  readonly onActivate: () => void;
}

/** An event as one line of the timeline. */
export function TimelineRow(props: TimelineRowProps): VNode {
  const { event, index, rowCount, rowPx, sinceStartMs, onActivate } = props;
  const { isActive, isFirst, isSuperseded, isOfChosenRun } = props;
  const type = event.kind ?? event.type;
  const preview = event.text.slice(0, PREVIEW_CHARACTERS).replaceAll('\n', '↵');
  return html`<div
    id=${`event-${event.sequence}`}
    class="event"
    role="option"
    aria-selected=${isActive ? 'true' : 'false'}
    aria-posinset=${index + 1}
    aria-setsize=${rowCount}
    data-type=${event.type}
    data-first=${isFirst}
    data-superseded=${isSuperseded}
    data-run=${isOfChosenRun}
    style=${{ top: `${index * rowPx}px`, height: `${rowPx}px` }}
    onClick=${onActivate}
  >
    <span class="number">${event.sequence}</span>
    <span class="event-type">
      ${isSuperseded ? html`<span class="for-screen-readers">superseded ${type} of </span>attempt ${event.attempt}` : type}
    </span>
    <span class="number">+${formatDuration(sinceStartMs)}</span>
    <span class="number">${formatBytes(event.text)}</span>
    <span class="event-text">${isSuperseded ? html`<s>${preview}</s>` : preview}</span>
  </div>`;
}

/** Formats the size of a text in UTF-8. */
function formatBytes(text: string): string {
  const bytes = encoder.encode(text).length;
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

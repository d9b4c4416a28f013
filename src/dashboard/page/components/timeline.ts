import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formatBytes } from '../format/format-bytes.js';
import { formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { useStickToEnd } from '../hooks/use-stick-to-end.js';
import { useVirtualRows } from '../hooks/use-virtual-rows.js';
import type { ThreadState, TimelineEvent } from '../thread/thread-state.js';

const ROW_PX = 28;
const PREVIEW_CHARACTERS = 160;

export interface TimelineProps {
  readonly state: ThreadState;
  readonly runIndex: number;
  readonly onSelect: (runIndex: number) => void;
}

/** All events of a thread, one a line; only the lines in view exist. */
export function Timeline({ state, runIndex, onSelect }: TimelineProps): VNode {
  const { events, runs } = state;
  const scroller = useRef<HTMLElement>(null);
  const { isAtEnd, scrollToEnd, letGo } = useStickToEnd(scroller);
  const { first, end, scrollToRow, rowsInView } = useVirtualRows(scroller, events.length, ROW_PX);
  const [activeSequence, setActiveSequence] = useState<number>();
  const oldestSequence = events[0]?.sequence ?? 1;
  const found = activeSequence === undefined ? -1 : activeSequence - oldestSequence;
  const active = events[found] === undefined ? undefined : found;
  const activeEvent = active === undefined ? undefined : events[active];

  const activate = (index: number): void => {
    const target = Math.max(0, Math.min(events.length - 1, index));
    const event = events[target];
    if (event === undefined) return;
    setActiveSequence(event.sequence);
    letGo();
    onSelect(event.runIndex);
    scrollToRow(target);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const from = active ?? events.length;
    const target = {
      ArrowDown: active === undefined ? events.length - 1 : from + 1,
      ArrowUp: from - 1,
      PageDown: from + rowsInView,
      PageUp: from - rowsInView,
      Home: 0,
      End: events.length - 1,
    }[event.key];
    if (event.key === 'Escape') setActiveSequence(undefined);
    if (target === undefined) return;
    event.preventDefault();
    activate(target);
  };
  const startOf = (event: TimelineEvent): number => event.atMs - (runs[event.runIndex]?.startedAtMs ?? event.atMs);

  return html`<div class="timeline">
    <div class="timeline-head" aria-hidden="true">
      <span>#</span><span>Event</span><span>Time</span><span>Size</span><span>Text</span>
    </div>
    <div
      class="timeline-rows"
      role="listbox"
      tabindex="0"
      aria-label=${`Timeline, ${events.length} events`}
      aria-activedescendant=${active !== undefined && active >= first && active < end ? `event-${activeSequence}` : undefined}
      ref=${scroller}
      onKeyDown=${onKeyDown}
    >
      <div class="timeline-space" role="presentation" style=${{ height: `${events.length * ROW_PX}px` }}>
        ${events.slice(first, end).map((event, offset) => {
          const index = first + offset;
          const type = event.kind ?? event.type;
          const sinceStart = `+${formatDuration(startOf(event))}`;
          const preview = event.text.slice(0, PREVIEW_CHARACTERS);
          const size = formatBytes(event.text);
          return html`<div
            key=${event.sequence}
            id=${`event-${event.sequence}`}
            class="event"
            role="option"
            aria-selected=${index === active ? 'true' : 'false'}
            aria-posinset=${index + 1}
            aria-setsize=${events.length}
            data-type=${event.type}
            data-first=${events[index - 1]?.runIndex !== event.runIndex}
            data-run=${event.runIndex === runIndex}
            style=${{ top: `${index * ROW_PX}px` }}
            onClick=${() => activate(index)}
          >
            <span class="number">${event.sequence}</span>
            <span class="event-type">${type}</span>
            <span class="number">${sinceStart}</span>
            <span class="number">${size}</span>
            <span class="event-text">${preview}</span>
          </div>`;
        })}
      </div>
    </div>
    ${!isAtEnd && html`<button class="button jump" type="button" onClick=${scrollToEnd}>Latest ↓</button>`}
    ${
      activeEvent === undefined
        ? html`<p class="timeline-foot muted">
            ${
              events.length === 0
                ? 'Events appear here as they are made.'
                : `${formatNumberOf(events.length, 'event')}. Choose one to see all of its text.`
            }
          </p>`
        : html`<section class="event-detail" aria-label="Chosen event" tabindex="0">
            <p class="muted">
              #${activeEvent.sequence} · ${activeEvent.kind ?? activeEvent.type} ·${' '}
              ${new Date(activeEvent.atMs).toLocaleTimeString()} · run ${activeEvent.runIndex + 1}
            </p>
            <p class="event-detail-text">${activeEvent.text}</p>
          </section>`
    }
  </div>`;
}

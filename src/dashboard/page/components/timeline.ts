import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { formatCount, formatNumberOf } from '../format/format-count.js';
import { useMedia } from '../hooks/use-media.js';
import { useStickToEnd } from '../hooks/use-stick-to-end.js';
import type { SupersededAttempts } from '../hooks/use-superseded-attempts.js';
import { useVirtualRows } from '../hooks/use-virtual-rows.js';
import { isSuperseded, mergeEvents } from '../thread/superseded-events.js';
import type { ThreadState } from '../thread/thread-state.js';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { EventDetail } from './event-detail.js';
import { TimelineRow } from './timeline-row.js';

const ROW_PX = 28;
/** Row height on touch screens. */
const TOUCHED_ROW_PX = 44;

export interface TimelineProps {
  readonly state: ThreadState;
  readonly runIndex: number;
  readonly onSelect: (runId: string) => void;
  readonly superseded: SupersededAttempts;
  /** Sequence of the selected event. */
  readonly activeSequence: number | undefined;
  readonly onActivate: (sequence: number | undefined) => void;
}

const NONE: readonly TimelineEvent[] = [];

/** All events of a thread, one per line. Only the lines in view are rendered. */
export function Timeline(props: TimelineProps): VNode {
  const { state, runIndex, onSelect, superseded, activeSequence, onActivate } = props;
  const { runs } = state;
  const events = useMemo(() => mergeEvents(state.events, superseded.events ?? NONE), [state.events, superseded.events]);
  const scroller = useRef<HTMLElement>(null);
  const rowPx = useMedia('(pointer: coarse)') ? TOUCHED_ROW_PX : ROW_PX;
  const { isAtEnd, scrollToEnd, letGo } = useStickToEnd(scroller);
  const { first, end, scrollToRow, rowsInView } = useVirtualRows(scroller, events.length, rowPx);
  const active = useMemo(() => indexOfSequence(events, activeSequence), [events, activeSequence]);
  const activeEvent = active === undefined ? undefined : events[active];

  // Scrolls to an event that was selected elsewhere. That of a superseded attempt is loaded after it is selected.
  const scrolledTo = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (active === undefined || scrolledTo.current === activeSequence) return;
    scrolledTo.current = activeSequence;
    letGo();
    scrollToRow(active);
  }, [active, activeSequence]);

  const activate = (index: number): void => {
    const target = Math.max(0, Math.min(events.length - 1, index));
    const event = events[target];
    if (event === undefined) return;
    scrolledTo.current = event.sequence;
    onActivate(event.sequence);
    letGo();
    const run = runs[event.runIndex];
    if (run !== undefined) onSelect(run.correlationId);
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
    if (event.key === 'Escape') onActivate(undefined);
    if (target === undefined) return;
    event.preventDefault();
    activate(target);
  };
  const sinceStartOf = (event: TimelineEvent): number =>
    Math.max(0, event.atMs - (runs[event.runIndex]?.startedAtMs ?? event.atMs));

  return html`<div class="timeline">
    <div class="timeline-head" aria-hidden="true">
      <span>#</span><span>Event</span><span>Time</span><span>Size</span><span>Text</span>
    </div>
    <div
      class="timeline-rows"
      role="listbox"
      tabindex="0"
      aria-label=${`${events.length} events`}
      aria-activedescendant=${active !== undefined && active >= first && active < end ? `event-${activeSequence}` : undefined}
      ref=${scroller}
      onKeyDown=${onKeyDown}
    >
      <div class="timeline-space" role="presentation" style=${{ height: `${events.length * rowPx}px` }}>
        ${events.slice(first, end).map((event, offset) => {
          const index = first + offset;
          return html`<${TimelineRow}
            key=${event.sequence}
            event=${event}
            index=${index}
            rowCount=${events.length}
            rowPx=${rowPx}
            sinceStartMs=${sinceStartOf(event)}
            isActive=${index === active}
            isFirst=${!isSameAttempt(events[index - 1], event)}
            isSuperseded=${isSuperseded(event, runs)}
            isOfChosenRun=${event.runIndex === runIndex}
            onActivate=${() => activate(index)}
          />`;
        })}
      </div>
    </div>
    ${!isAtEnd && html`<button class="button jump" type="button" onClick=${scrollToEnd}>Latest ↓</button>`}
    ${
      activeEvent === undefined
        ? html`<p class="timeline-foot muted">${footText(state, superseded)}</p>`
        : html`<${EventDetail} event=${activeEvent} runs=${runs} />`
    }
  </div>`;
}

function footText({ events }: ThreadState, { isShown, events: superseded, failure }: SupersededAttempts): string {
  const shown = formatNumberOf(events.length, 'event');
  if (isShown && failure !== undefined) return `${shown}. Superseded events could not be loaded: ${failure}`;
  if (superseded !== undefined) {
    return superseded.length === 0
      ? `${shown}. No attempts were superseded.`
      : `${shown}, plus ${formatCount(superseded.length)} from superseded attempts.`;
  }
  if (events.length === 0) return 'Events appear here as they happen.';
  return `${shown}. Select one to see its full text.`;
}

function isSameAttempt(one: TimelineEvent | undefined, other: TimelineEvent): boolean {
  return one?.runIndex === other.runIndex && one.attempt === other.attempt;
}

/** Sequences are ordered but may have gaps. */
function indexOfSequence(events: readonly TimelineEvent[], sequence: number | undefined): number | undefined {
  if (sequence === undefined) return undefined;
  const index = events.findIndex((event) => event.sequence >= sequence);
  return events[index]?.sequence === sequence ? index : undefined;
}

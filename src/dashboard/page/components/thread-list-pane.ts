import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { RUN_STATUSES, type RunStatus, type ThreadFilter } from '../api/thread-summary.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { formatAge } from '../format/format-age.js';
import { formatCount, formatNumberOf } from '../format/format-count.js';
import { useNow } from '../hooks/use-now.js';
import { isBusy, type ListedThread, type ThreadList } from '../hooks/use-thread-list.js';
import { HOME_HREF, isThreadId, NEW_THREAD_HREF, threadHref } from '../route.js';

/** How long the user pauses before a search starts. */
const SEARCH_PAUSE_MS = 250;

const TIMES = [
  { title: 'Any time', sinceMs: undefined },
  { title: 'Last hour', sinceMs: 3_600_000 },
  { title: 'Last 24 hours', sinceMs: 86_400_000 },
  { title: 'Last 7 days', sinceMs: 604_800_000 },
] as const;

const WORTH_A_MARK: readonly RunStatus[] = ['waiting_for_approval', 'cancelled'];

export interface ThreadListPaneProps {
  readonly list: ThreadList;
  readonly filter: ThreadFilter;
  readonly onFilter: (change: Partial<ThreadFilter>) => void;
  /** The open thread. */
  readonly open: ThreadAddress | undefined;
  /** Whether the page shows the overview. */
  readonly isOverview: boolean;
  readonly agentNames: readonly string[];
  /** The agent to use for an id that is not in the list. */
  readonly defaultAgentName: string | undefined;
  /** Whether the list is all that the page shows, as on a phone. */
  readonly isMain: boolean;
}

/** The list of threads, with search and filters. */
export function ThreadListPane(props: ThreadListPaneProps): VNode {
  const { list, filter, onFilter, open, isOverview, agentNames, defaultAgentName, isMain } = props;
  const now = useNow(10_000);
  const [typed, setTyped] = useState(filter.text);
  const wanted = typed.trim();
  useEffect(() => {
    const timer = setTimeout(() => onFilter({ text: wanted }), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted, onFilter]);
  const { threads } = list;
  const isOther =
    defaultAgentName !== undefined && isThreadId(wanted) && !threads?.some(({ thread_id: id }) => id === wanted);
  const isFiltered =
    filter.text !== '' || filter.status !== '' || filter.sinceMs !== undefined || filter.agentName !== '';

  return html`<${isMain ? 'main' : 'nav'} class="threads" aria-label="Threads">
    <header class="threads-head">
      <${isMain ? 'h1' : 'p'} class="brand"><span class="brand-mark" aria-hidden="true"></span>Agent telemetry<//>
      <a class="button button-main" href=${NEW_THREAD_HREF}>New thread</a>
      <a class="overview-link" href=${HOME_HREF} aria-current=${isOverview ? 'page' : undefined}>Overview</a>
      <input
        id="thread-search"
        class="field"
        type="search"
        placeholder="Search titles and ids"
        aria-label="Search threads"
        spellcheck="false"
        autocomplete="off"
        value=${typed}
        onInput=${(event: InputEvent & { readonly currentTarget: HTMLInputElement }) => setTyped(event.currentTarget.value)}
      />
      <div class="threads-filters">
        <${Choice}
          label="Status"
          value=${filter.status}
          options=${[['', 'Any status'], ...Object.entries(RUN_STATUSES)]}
          onChoose=${(status: RunStatus | '') => onFilter({ status })}
        />
        <${Choice}
          label="Time"
          value=${String(filter.sinceMs ?? '')}
          options=${TIMES.map(({ title, sinceMs }) => [String(sinceMs ?? ''), title])}
          onChoose=${(value: string) => onFilter({ sinceMs: value === '' ? undefined : Number(value) })}
        />
        ${
          agentNames.length > 1 &&
          html`<${Choice}
            label="Filter by agent"
            value=${filter.agentName}
            options=${[['', 'All agents'], ...agentNames.map((name) => [name, name])]}
            onChoose=${(agentName: string) => onFilter({ agentName })}
          />`
        }
      </div>
    </header>
    <div class="threads-body">
      ${threads?.length === 0 && html`<p class="muted threads-none">${isFiltered ? 'No matches.' : 'No threads yet.'}</p>`}
      <ul class="threads-list">
        ${threads?.map(
          (thread) =>
            html`<li key=${`${thread.agentName}/${thread.thread_id}`}>
              ${renderThread(thread, isSame(thread, open), list.failure === undefined && isBusy(thread), agentNames.length > 1, now)}
            </li>`,
        )}
      </ul>
      ${
        isOther &&
        html`<a class="button button-wide" href=${threadHref({ agentName: defaultAgentName, threadId: wanted })}>
          Open “${wanted}”
        </a>`
      }
      ${list.hasMore && html`<button class="button button-wide" type="button" onClick=${list.showMore}>Show more</button>`}
      ${list.failure !== undefined && html`<p class="notice threads-failure" role="status">${list.failure} Retrying.</p>`}
    </div>
  <//>`;
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** Values and titles. */
  readonly options: readonly (readonly [string, string])[];
  readonly onChoose: (value: string) => void;
}

function Choice({ label, value, options, onChoose }: ChoiceProps): VNode {
  return html`<select
    class="choice"
    aria-label=${label}
    value=${value}
    onChange=${(event: Event & { readonly currentTarget: HTMLSelectElement }) => onChoose(event.currentTarget.value)}
  >
    ${options.map(([id, title]) => html`<option key=${id} value=${id}>${title}</option>`)}
  </select>`;
}

function renderThread(
  thread: ListedThread,
  isOpen: boolean,
  isStreaming: boolean,
  showAgents: boolean,
  now: number,
): VNode {
  const { agentName, thread_id: threadId, title, status } = thread;
  const { event_count: events, run_count: runs, failed_run_count: failed, total_token_count: tokens } = thread;
  const ageMs = now - Date.parse(thread.last_activity_at);
  return html`<a
    class="thread-link"
    href=${threadHref({ agentName, threadId })}
    title=${threadId}
    aria-current=${isOpen ? 'page' : undefined}
  >
    <span class="thread-name">${title.trim() === '' ? threadId : title}</span>
    <span class="thread-age"
      >${isStreaming ? html`<span class="dot dot-live" aria-hidden="true"></span>live` : formatAge(ageMs)}</span
    >
    <span class="thread-facts">
      ${WORTH_A_MARK.includes(status) && html`<span class="status-mark" data-status=${status}>${RUN_STATUSES[status]}</span>`}
      ${showAgents && html`<span>${agentName}</span>`}
      ${
        events === 0
          ? html`<span>no events</span>`
          : html`<span>${formatNumberOf(runs, 'run')}</span
              >${tokens > 0 && html`<span>${formatCount(tokens)} tokens</span>`}`
      }
      ${failed > 0 && html`<span class="failed-mark">${failed} failed</span>`}
    </span>
  </a>`;
}

function isSame(thread: ListedThread, open: ThreadAddress | undefined): boolean {
  return open?.threadId === thread.thread_id && open.agentName.toLowerCase() === thread.agentName.toLowerCase();
}

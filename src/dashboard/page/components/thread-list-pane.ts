import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { ThreadAddress } from '../api/thread-source.js';
import { formatAge } from '../format/format-age.js';
import { formatCount, formatNumberOf } from '../format/format-count.js';
import { useNow } from '../hooks/use-now.js';
import type { ListedThread, ThreadList } from '../hooks/use-thread-list.js';
import { isThreadId, NEW_THREAD_HREF, threadHref } from '../route.js';

/** A thread counts as streaming if its last event is an update younger than this. */
const STREAMING_MS = 60_000;

export interface ThreadListPaneProps {
  readonly list: ThreadList;
  /** The open thread. */
  readonly open: ThreadAddress | undefined;
  readonly showAgents: boolean;
  /** The agent to use for an id that is not in the list. */
  readonly defaultAgentName: string | undefined;
}

export function ThreadListPane({ list, open, showAgents, defaultAgentName }: ThreadListPaneProps): VNode {
  const [search, setSearch] = useState('');
  const now = useNow(10_000);
  const wanted = search.trim();
  const found = list.threads?.filter(({ thread_id: id }) => id.toLowerCase().includes(wanted.toLowerCase()));
  const isOther =
    defaultAgentName !== undefined && isThreadId(wanted) && !found?.some(({ thread_id: id }) => id === wanted);

  const isStreaming = ({ last_event_type: type, last_event_at: at }: ListedThread): boolean =>
    // Unknown while the app is unreachable.
    list.failure === undefined && type === 'stream' && now - Date.parse(at ?? '') < STREAMING_MS;

  return html`<nav class="threads" aria-label="Threads">
    <header class="threads-head">
      <p class="brand"><span class="brand-mark" aria-hidden="true"></span>Agent telemetry</p>
      <a class="button button-main" href=${NEW_THREAD_HREF}>New thread</a>
      <input
        class="field"
        type="search"
        placeholder="Search by id"
        aria-label="Search threads by id"
        spellcheck="false"
        autocomplete="off"
        value=${search}
        onInput=${(event: InputEvent & { readonly currentTarget: HTMLInputElement }) =>
          setSearch(event.currentTarget.value)}
      />
    </header>
    <div class="threads-body">
      ${found?.length === 0 && html`<p class="muted threads-none">${wanted === '' ? 'No threads yet.' : 'No matches.'}</p>`}
      <ul class="threads-list">
        ${found?.map(
          (thread) =>
            html`<li key=${`${thread.agentName}/${thread.thread_id}`}>
              ${renderThread(thread, isSame(thread, open), isStreaming(thread), showAgents, now)}
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
  </nav>`;
}

function renderThread(
  thread: ListedThread,
  isOpen: boolean,
  isStreaming: boolean,
  showAgents: boolean,
  now: number,
): VNode {
  const {
    agentName,
    thread_id: threadId,
    run_count: runs,
    failed_run_count: failed,
    total_token_count: tokens,
  } = thread;
  const ageMs = now - Date.parse(thread.last_event_at ?? thread.last_activity_at);
  return html`<a
    class="thread-link"
    href=${threadHref({ agentName, threadId })}
    aria-current=${isOpen ? 'page' : undefined}
  >
    <span class="thread-id">${threadId}</span>
    <span class="thread-age"
      >${isStreaming ? html`<span class="dot dot-live" aria-hidden="true"></span>live` : formatAge(ageMs)}</span
    >
    <span class="thread-facts">
      ${showAgents && html`<span>${agentName}</span>`}
      <span>${formatNumberOf(runs, 'run')}</span>
      <span>${formatCount(tokens)} tokens</span>
      ${failed > 0 && html`<span class="failed-mark">${failed} failed</span>`}
    </span>
  </a>`;
}

function isSame(thread: ListedThread, open: ThreadAddress | undefined): boolean {
  return open?.threadId === thread.thread_id && open.agentName.toLowerCase() === thread.agentName.toLowerCase();
}

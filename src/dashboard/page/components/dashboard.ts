import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadFilter } from '../api/thread-summary.js';
import { useMedia } from '../hooks/use-media.js';
import { useRoute } from '../hooks/use-route.js';
import { useShortcuts } from '../hooks/use-shortcuts.js';
import { useThreadList } from '../hooks/use-thread-list.js';
import { createThreadId } from '../route.js';
import { OverviewPane } from './overview-pane.js';
import { ShortcutsHelp } from './shortcuts-help.js';
import { ThreadListPane } from './thread-list-pane.js';
import { ThreadPane } from './thread-pane.js';

export interface DashboardProps {
  readonly api: TelemetryApi;
  /** `undefined` until the app responds. */
  readonly agentNames: readonly string[] | undefined;
  readonly onKeyRefused: () => void;
}

/** The thread list next to the overview or the open thread. On a phone, shows one of them at a time. */
export function Dashboard({ api, agentNames, onKeyRefused }: DashboardProps): VNode {
  const route = useRoute();
  const [filter, setFilter] = useState(ALL_THREADS);
  const changeFilter = useCallback(
    (change: Partial<ThreadFilter>) =>
      setFilter((known) => {
        const changed = { ...known, ...change };
        return JSON.stringify(changed) === JSON.stringify(known) ? known : changed;
      }),
    [],
  );
  const list = useThreadList(api, agentNames, filter);
  const isPhone = useMedia('(max-width: 47.99rem)');
  const [chosenAgentName, setChosenAgentName] = useState<string>();
  const newAgentName = chosenAgentName ?? agentNames?.[0];
  // A new thread gets its id before its first message, so that the pane survives the change of address.
  const [newThreadId, setNewThreadId] = useState(createThreadId);
  const openThreadId = route.view === 'thread' ? route.threadId : undefined;
  useEffect(() => {
    if (openThreadId === newThreadId) setNewThreadId(createThreadId());
  }, [openThreadId, newThreadId]);
  const open = route.view === 'thread' ? route : undefined;
  const thread = open ?? (newAgentName === undefined ? undefined : { agentName: newAgentName, threadId: newThreadId });

  const { isHelpShown, hideHelp } = useShortcuts(list.threads, open);
  const listed = list.threads?.find(
    ({ thread_id: id, agentName }) => id === open?.threadId && agentName === open.agentName,
  );
  const title = open === undefined ? TITLES[route.view] : listed?.title || open.threadId;
  useEffect(() => {
    document.title = `${title} · Agent telemetry`;
  }, [title]);
  const renderMain = (): VNode | null => {
    if (route.view === 'overview' || route.view === 'threads') {
      return isPhone && route.view === 'threads'
        ? null
        : html`<${OverviewPane} api=${api} agentNames=${agentNames} revision=${list.threads} />`;
    }
    if (thread === undefined) {
      const words = agentNames === undefined ? 'Connecting…' : 'This app has no agents yet.';
      return html`<main class="splash"><p class="muted">${words}</p></main>`;
    }
    return html`<${ThreadPane}
      key=${`${thread.agentName}/${thread.threadId}`}
      api=${api}
      thread=${thread}
      title=${listed?.title}
      runId=${open?.runId}
      isListedAsWaiting=${listed?.status === 'waiting_for_approval'}
      isNew=${open === undefined}
      agentNames=${agentNames ?? NO_AGENTS}
      onAgentChange=${setChosenAgentName}
      onChange=${list.refresh}
      onKeyRefused=${onKeyRefused}
    />`;
  };

  return html`<button class="button skip" type="button" onClick=${() => document.querySelector('main')?.focus()}>
      Skip to the content
    </button>
    <div class="dashboard" data-view=${route.view === 'threads' ? 'list' : 'main'}>
      <${ThreadListPane}
        list=${list}
        filter=${filter}
        onFilter=${changeFilter}
        open=${open}
        isOverview=${route.view === 'overview'}
        agentNames=${agentNames ?? NO_AGENTS}
        defaultAgentName=${newAgentName}
        isMain=${isPhone && route.view === 'threads'}
      />
      ${renderMain()}
    </div>
    ${isHelpShown && html`<${ShortcutsHelp} onClose=${hideHelp} />`}`;
}

const TITLES = { overview: 'Overview', threads: 'Threads', new: 'New thread', thread: 'Thread' } as const;
const NO_AGENTS: readonly string[] = [];
const ALL_THREADS: ThreadFilter = { text: '', status: '', sinceMs: undefined, agentName: '' };

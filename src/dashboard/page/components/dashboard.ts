import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import type { ThreadFilter } from '../api/thread-summary.js';
import { useMedia } from '../hooks/use-media.js';
import { useRoute } from '../hooks/use-route.js';
import { useShortcuts } from '../hooks/use-shortcuts.js';
import { useThreadList } from '../hooks/use-thread-list.js';
import { createThreadId } from '../route.js';
import { ShortcutsHelp } from './shortcuts-help.js';
import { ThreadListPane } from './thread-list-pane.js';
import { ThreadPane } from './thread-pane.js';

export interface DashboardProps {
  readonly api: TelemetryApi;
  readonly agentNames: readonly string[];
  readonly onKeyRefused: () => void;
}

/** The thread list next to the open thread. On a phone, shows one of them at a time. */
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
  const [newAgentName, setNewAgentName] = useState(agentNames[0]);
  // A new thread gets its id before its first message, so that the pane survives the change of address.
  const [newThreadId, setNewThreadId] = useState(createThreadId);
  const openThreadId = route.view === 'thread' ? route.threadId : undefined;
  useEffect(() => {
    if (openThreadId === newThreadId) setNewThreadId(createThreadId());
  }, [openThreadId, newThreadId]);
  const isNew = route.view !== 'thread';
  const thread = isNew ? newThread(newAgentName, newThreadId) : route;

  const { isHelpShown, hideHelp } = useShortcuts(list.threads, isNew ? undefined : thread);
  const listed = list.threads?.find(({ thread_id: id }) => !isNew && id === thread?.threadId);
  const title = isNew ? (route.view === 'new' ? 'New thread' : undefined) : listed?.title || thread?.threadId;
  useEffect(() => {
    document.title = title === undefined ? 'Agent telemetry' : `${title} · Agent telemetry`;
  }, [title]);

  return html`<button class="button skip" type="button" onClick=${() => document.querySelector('main')?.focus()}>
      Skip to the thread
    </button>
    <div class="dashboard" data-view=${route.view === 'home' ? 'list' : 'thread'}>
      <${ThreadListPane}
        list=${list}
        filter=${filter}
        onFilter=${changeFilter}
        open=${isNew ? undefined : thread}
        agentNames=${agentNames}
        defaultAgentName=${newAgentName}
        isMain=${isPhone && route.view === 'home'}
      />
      ${
        isPhone && route.view === 'home'
          ? null
          : thread === undefined
            ? html`<main class="splash"><p class="muted">This app has no agents yet.</p></main>`
            : html`<${ThreadPane}
                key=${`${thread.agentName}/${thread.threadId}`}
                api=${api}
                thread=${thread}
                title=${listed?.title}
                isNew=${isNew}
                agentNames=${agentNames}
                onAgentChange=${setNewAgentName}
                onChange=${list.refresh}
                onKeyRefused=${onKeyRefused}
              />`
      }
    </div>
    ${isHelpShown && html`<${ShortcutsHelp} onClose=${hideHelp} />`}`;
}

const ALL_THREADS: ThreadFilter = { text: '', status: '', sinceMs: undefined, agentName: '' };

function newThread(agentName: string | undefined, threadId: string): ThreadAddress | undefined {
  return agentName === undefined ? undefined : { agentName, threadId };
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { useRoute } from '../hooks/use-route.js';
import { useThreadList } from '../hooks/use-thread-list.js';
import { createThreadId } from '../route.js';
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
  const list = useThreadList(api, agentNames);
  const [newAgentName, setNewAgentName] = useState(agentNames[0]);
  // A new thread gets its id before its first message, so that the pane survives the change of address.
  const [newThreadId, setNewThreadId] = useState(createThreadId);
  const openThreadId = route.view === 'thread' ? route.threadId : undefined;
  useEffect(() => {
    if (openThreadId === newThreadId) setNewThreadId(createThreadId());
  }, [openThreadId, newThreadId]);
  const isNew = route.view !== 'thread';
  const thread = isNew ? newThread(newAgentName, newThreadId) : route;

  return html`<div class="dashboard" data-view=${route.view === 'home' ? 'list' : 'thread'}>
    <${ThreadListPane}
      list=${list}
      open=${isNew ? undefined : thread}
      showAgents=${agentNames.length > 1}
      defaultAgentName=${newAgentName}
    />
    ${
      thread === undefined
        ? html`<main class="splash"><p class="muted">This app has no agents yet.</p></main>`
        : html`<${ThreadPane}
            key=${`${thread.agentName}/${thread.threadId}`}
            api=${api}
            thread=${thread}
            isNew=${isNew}
            agentNames=${agentNames}
            onAgentChange=${setNewAgentName}
            onChange=${list.refresh}
            onKeyRefused=${onKeyRefused}
          />`
    }
  </div>`;
}

function newThread(agentName: string | undefined, threadId: string): ThreadAddress | undefined {
  return agentName === undefined ? undefined : { agentName, threadId };
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { THREADS_HREF } from '../route.js';
import type { Connection } from '../thread/thread-follower.js';
import { ThreadActions } from './thread-actions.js';

export interface ThreadHeadProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  readonly title: string | undefined;
  readonly isNew: boolean;
  readonly agentNames: readonly string[];
  readonly connection: Connection;
  readonly hasEvents: boolean;
  readonly onAgentChange: (agentName: string) => void;
  readonly onCleared: () => void;
}

const CONNECTION_WORDS = {
  connecting: 'Connecting',
  live: 'Connected',
  reconnecting: 'Reconnecting',
  stopped: 'Stopped',
} as const satisfies Record<Connection['state'], string>;

/** The thread's name, its connection state, and actions on it. */
export function ThreadHead(props: ThreadHeadProps): VNode {
  const { api, thread, title, isNew, agentNames, connection, hasEvents, onAgentChange, onCleared } = props;

  return html`<header class="pane-head">
    <a class="back" href=${THREADS_HREF} aria-label="All threads"><span aria-hidden="true">‹</span></a>
    <div class="thread-title">
      <h1>${isNew ? 'New thread' : title?.trim() || thread.threadId}</h1>
      ${
        isNew && agentNames.length > 1
          ? html`<label class="muted">
              Agent
              <select
                class="field"
                value=${thread.agentName}
                onChange=${(event: Event & { readonly currentTarget: HTMLSelectElement }) =>
                  onAgentChange(event.currentTarget.value)}
              >
                ${agentNames.map((name) => html`<option key=${name}>${name}</option>`)}
              </select>
            </label>`
          : html`<p class="muted">
              ${thread.agentName}${!isNew && title && html`<span class="thread-id">${thread.threadId}</span>`}
            </p>`
      }
    </div>
    ${
      !isNew &&
      html`<p class="connection" data-state=${connection.state}>
          <span class="dot" aria-hidden="true"></span>${CONNECTION_WORDS[connection.state]}
        </p>
        <${ThreadActions} api=${api} thread=${thread} hasEvents=${hasEvents} onCleared=${onCleared} />`
    }
  </header>`;
}

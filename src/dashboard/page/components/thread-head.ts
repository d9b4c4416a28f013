import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { HOME_HREF, THREADS_HREF } from '../route.js';
import type { Connection } from '../thread/thread-follower.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { Menu } from './menu.js';

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
  const [asked, setAsked] = useState<'clear' | 'delete'>();
  const [problem, setProblem] = useState<string>();
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      setProblem(undefined);
      await action();
    } catch (error) {
      setProblem(describeFailure(error));
    }
  };
  const save = (format: 'jsonl' | 'csv'): Promise<void> =>
    attempt(async () => saveFile(await api.export(thread, format), `${thread.threadId}.${format}`));
  const clear = async (): Promise<void> => {
    await attempt(() => api.clear(thread));
    onCleared();
  };
  const remove = (): Promise<void> =>
    attempt(async () => {
      await api.deleteThread(thread);
      location.hash = HOME_HREF;
      onCleared();
    });

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
        <${Menu} title="Actions">
          <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => save('jsonl')}>
            Export JSONL
          </button>
          <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => save('csv')}>
            Export CSV
          </button>
          <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => setAsked('clear')}>
            Clear events…
          </button>
          <button class="menu-item menu-item-danger" type="button" onClick=${() => setAsked('delete')}>
            Delete thread…
          </button>
        <//>`
    }
    ${problem !== undefined && html`<p class="problem thread-problem" role="alert">${problem}</p>`}
    ${
      asked === 'clear' &&
      html`<${ConfirmDialog}
        question="Clear the events of this thread?"
        consequence="This removes them for everyone. The agent still remembers the conversation."
        action="Clear"
        onConfirm=${clear}
        onClose=${() => setAsked(undefined)}
      />`
    }
    ${
      asked === 'delete' &&
      html`<${ConfirmDialog}
        question="Delete this thread?"
        consequence="This removes the conversation and its events for everyone, and stops its active run. It cannot be undone."
        action="Delete"
        onConfirm=${remove}
        onClose=${() => setAsked(undefined)}
      />`
    }
  </header>`;
}

/** Offers a file for download. */
function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser reads the content while it handles the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

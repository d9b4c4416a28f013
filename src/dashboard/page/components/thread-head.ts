import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { HOME_HREF } from '../route.js';
import type { Connection } from '../thread/thread-follower.js';

export interface ThreadHeadProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
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

/** The thread's name, its connection state, and actions on its telemetry. */
export function ThreadHead(props: ThreadHeadProps): VNode {
  const { api, thread, isNew, agentNames, connection, hasEvents, onAgentChange, onCleared } = props;
  const dialog = useRef<HTMLDialogElement>(null);
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
    dialog.current?.close();
    await attempt(() => api.clear(thread));
    onCleared();
  };

  return html`<header class="thread-head">
    <a class="back" href=${HOME_HREF} aria-label="All threads"><span aria-hidden="true">‹</span></a>
    <div class="thread-title">
      <h1>${isNew ? 'New thread' : thread.threadId}</h1>
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
          : html`<p class="muted">${thread.agentName}</p>`
      }
    </div>
    ${
      !isNew &&
      html`<p class="connection" data-state=${connection.state}>
          <span class="dot" aria-hidden="true"></span>${CONNECTION_WORDS[connection.state]}
        </p>
        <div class="actions">
          <button class="button" type="button" disabled=${!hasEvents} onClick=${() => save('jsonl')}>
            <span class="wide-only">Export </span>JSONL
          </button>
          <button class="button" type="button" disabled=${!hasEvents} onClick=${() => save('csv')}>
            <span class="wide-only">Export </span>CSV
          </button>
          <button class="button" type="button" disabled=${!hasEvents} onClick=${() => dialog.current?.showModal()}>
            Clear<span class="wide-only"> telemetry</span>
          </button>
        </div>`
    }
    ${problem !== undefined && html`<p class="problem thread-problem" role="alert">${problem}</p>`}
    <dialog class="dialog" ref=${dialog} aria-labelledby="clear-title">
      <h2 id="clear-title">Clear the telemetry of this thread?</h2>
      <p class="muted">This removes its events for everyone. The agent still remembers the conversation.</p>
      <div class="dialog-actions">
        <button class="button" type="button" onClick=${() => dialog.current?.close()}>Keep</button>
        <button class="button button-danger" type="button" onClick=${clear}>Clear</button>
      </div>
    </dialog>
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

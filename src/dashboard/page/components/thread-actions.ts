import { html } from 'htm/preact';
import { Fragment, type VNode } from 'preact';
import { useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { HOME_HREF } from '../route.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { Menu } from './menu.js';

export interface ThreadActionsProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  readonly hasEvents: boolean;
  /** Called when the events of the thread, or the thread itself, are gone. */
  readonly onCleared: () => void;
}

/** Menu of actions on a thread, which asks before it removes something. */
export function ThreadActions({ api, thread, hasEvents, onCleared }: ThreadActionsProps): VNode {
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

  return html`<${Fragment}>
    <${Menu} title="Actions">
      <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => save('jsonl')}>
        Export JSONL
      </button>
      <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => save('csv')}>Export CSV</button>
      <button class="menu-item" type="button" disabled=${!hasEvents} onClick=${() => setAsked('clear')}>
        Clear events…
      </button>
      <button class="menu-item menu-item-danger" type="button" onClick=${() => setAsked('delete')}>
        Delete thread…
      </button>
    <//>
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
  <//>`;
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

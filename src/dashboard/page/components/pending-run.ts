import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatDuration } from '../format/format-duration.js';
import type { RunActions } from '../hooks/use-run-actions.js';
import type { PendingMessage } from '../hooks/use-thread.js';
import { useNow } from '../hooks/use-now.js';
import { ActionButton } from './action-button.js';
import { RequestMessage } from './request-message.js';

export interface PendingRunProps {
  readonly pending: PendingMessage;
  /** Returns what went wrong, for the user. */
  readonly cancel: RunActions['cancel'];
}

/** A sent message that has no events yet, with its waiting time. */
export function PendingRun({ pending, cancel }: PendingRunProps): VNode {
  const { correlationId } = pending;
  useNow(100);
  const waitedMs = performance.now() - pending.sentAtMs;
  return html`<article class="run" aria-label="Sent message">
    <header class="run-head">
      <span class="run-name">${correlationId === undefined ? 'Sending' : 'Accepted'}</span>
    </header>
    <${RequestMessage} message=${pending.message} />
    <p class="waiting muted">
      <span class="waiting-bar" aria-hidden="true"></span>
      Waiting for the first update
      <span class="number" aria-hidden="true">${formatDuration(Math.floor(waitedMs / 100) * 100)}</span>
    </p>
    ${correlationId !== undefined && html`<div class="run-actions"><${ActionButton} label="Stop" name="Stop the sent message" onAct=${() => cancel(correlationId)} /></div>`}
  </article>`;
}

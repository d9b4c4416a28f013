import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { Connection } from '../thread/thread-follower.js';

export interface ConnectionNoteProps {
  readonly connection: Connection;
  readonly onRetry: () => void;
}

/** Says why nothing new can be seen, while that is so. It stands below the thread, so that what is read does not move. */
export function ConnectionNote({ connection, onRetry }: ConnectionNoteProps): VNode | null {
  if (connection.state === 'reconnecting') {
    return html`<div class="notice connection-note" role="status">
      <p>${connection.reason} Reconnecting. What the app has kept will then be shown.</p>
      <button class="button" type="button" onClick=${onRetry}>Try now</button>
    </div>`;
  }
  if (connection.state === 'stopped') {
    return html`<div class="notice connection-note" role="alert"><p>${connection.reason}</p></div>`;
  }
  return null;
}

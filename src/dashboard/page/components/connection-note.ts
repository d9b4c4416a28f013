import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { Connection } from '../thread/thread-follower.js';

export interface ConnectionNoteProps {
  readonly connection: Connection;
  readonly onRetry: () => void;
}

/** Explains why no new events arrive. Placed below the thread so that the text does not move while it is read. */
export function ConnectionNote({ connection, onRetry }: ConnectionNoteProps): VNode | null {
  if (connection.state === 'reconnecting') {
    return html`<div class="notice connection-note" role="status">
      <p>${connection.reason} Reconnecting. Stored events will appear once connected.</p>
      <button class="button" type="button" onClick=${onRetry}>Try now</button>
    </div>`;
  }
  if (connection.state === 'stopped') {
    return html`<div class="notice connection-note" role="alert"><p>${connection.reason}</p></div>`;
  }
  return null;
}

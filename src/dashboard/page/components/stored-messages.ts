import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { StoredConversation } from '../hooks/use-stored-conversation.js';
import type { ThreadState } from '../thread/thread-state.js';
import { Markdown } from './markdown.js';
import { RequestMessage } from './request-message.js';

export interface StoredMessagesProps {
  readonly stored: StoredConversation;
  /** Its runs are shown from their events. */
  readonly state: ThreadState;
}

/** Messages of runs whose events are gone. */
export function StoredMessages({ stored, state }: StoredMessagesProps): VNode | null {
  const { messages, hasMore, failure, showMore } = stored;
  if (failure !== undefined)
    return html`<p class="problem" role="alert">The conversation could not be read: ${failure}</p>`;
  const shown =
    messages?.filter(({ correlation_id: run, text }) => text !== '' && !state.runIndexes.has(run ?? '')) ?? [];
  if (shown.length === 0) return null;
  return html`<section class="stored" aria-label="Stored conversation">
    <p class="notice">The agent remembers this conversation. Its events are gone.</p>
    ${hasMore && html`<button class="button button-wide" type="button" onClick=${showMore}>Show earlier messages</button>`}
    ${shown.map(({ role, text, correlation_id: run }, index) =>
      role === 'assistant'
        ? html`<div class="answer" key=${`${run}-${index}`}>
            <div class="part"><${Markdown} text=${text} isGrowing=${false} /></div>
          </div>`
        : html`<div class="stored-request" key=${`${run}-${index}`}><${RequestMessage} message=${text} /></div>`,
    )}
  </section>`;
}

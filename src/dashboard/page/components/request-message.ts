import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { formatCount } from '../format/format-count.js';
import { beginningOf } from '../format/beginning-of.js';

/** The request. A long one is shortened until the user expands it. */
export function RequestMessage({ message }: { readonly message: string }): VNode {
  const [isWhole, setIsWhole] = useState(false);
  const beginning = beginningOf(message);
  return html`<p class="request">
      <span class="for-screen-readers">Request: </span>${isWhole || beginning === message ? message : `${beginning}…`}
    </p>
    ${
      beginning !== message &&
      html`<button
        class="button request-more"
        type="button"
        aria-expanded=${isWhole ? 'true' : 'false'}
        onClick=${() => setIsWhole(!isWhole)}
      >
        ${isWhole ? 'Show less' : `Show all ${formatCount(message.length)} characters`}
      </button>`
    }`;
}

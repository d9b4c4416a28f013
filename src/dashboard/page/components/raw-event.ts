import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { TimelineEvent } from '../thread/timeline-event.js';
import { CodeBlock, readableJson } from './code-block.js';

/** The JSON of an event. Rendered when opened. */
export function RawEvent({ event }: { readonly event: TimelineEvent }): VNode {
  const [isOpen, setIsOpen] = useState(false);
  const { sequence, kind, type } = event;
  return html`<details
    class="raw-event"
    onToggle=${(toggle: Event & { readonly currentTarget: HTMLDetailsElement }) => setIsOpen(toggle.currentTarget.open)}
  >
    <summary>Raw JSON of event ${sequence} (${kind ?? type})</summary>
    ${isOpen && html`<${CodeBlock} title=${`Event ${sequence}`} text=${readableJson(event.source)} name=${`event ${sequence}`} />`}
  </details>`;
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { CopyButton } from './copy-button.js';

export interface CodeBlockProps {
  readonly title: string;
  readonly text: string;
  /** What the copy button copies, for screen readers. @default 'code' */
  readonly name?: string;
}

/** A text with fixed-width characters that can be copied. */
export function CodeBlock({ title, text, name = 'code' }: CodeBlockProps): VNode {
  return html`<figure class="code-block">
    <figcaption>
      <span>${title}</span>
      <${CopyButton} text=${text} label="Copy" name=${`Copy ${name}`} />
    </figcaption>
    <pre tabindex="0"><code>${text}</code></pre>
  </figure>`;
}

/** Returns a value as readable JSON, or a text unchanged. */
export function readableJson(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
}

import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { useRef } from 'preact/hooks';

export interface MenuProps {
  readonly title: string;
  /** Buttons. */
  readonly children: ComponentChildren;
}

/** Buttons below another button. Closes after a click, on Escape, and when the focus leaves it. */
export function Menu({ title, children }: MenuProps): VNode {
  const details = useRef<HTMLDetailsElement>(null);
  const close = (): void => details.current?.removeAttribute('open');
  return html`<details
    class="menu"
    ref=${details}
    onKeyDown=${(event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      close();
      details.current?.querySelector('summary')?.focus();
    }}
    onFocusOut=${(event: FocusEvent) => {
      if (!(event.relatedTarget instanceof Node && details.current?.contains(event.relatedTarget))) close();
    }}
  >
    <summary class="button">${title}</summary>
    <div class="menu-items" onClick=${close}>${children}</div>
  </details>`;
}

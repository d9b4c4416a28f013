import { html } from 'htm/preact';
import type { VNode } from 'preact';

export interface TabsProps<Id extends string> {
  readonly tabs: readonly { readonly id: Id; readonly title: string }[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
  /** Shown at the other end of the bar. */
  readonly aside?: VNode | undefined;
}

/** Tabs with arrow-key navigation. The panel of a tab has the id `panel-{tab}`. */
export function Tabs<Id extends string>({ tabs, chosen, onChoose, aside }: TabsProps<Id>): VNode {
  const onKeyDown = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = tabs.findIndex(({ id }) => id === chosen);
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChoose(next.id);
    event.currentTarget.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };
  return html`<div class="tabs-bar">
    <div class="tabs" role="tablist" aria-label="Views of the thread" onKeyDown=${onKeyDown}>
      ${tabs.map(
        ({ id, title }) =>
          html`<button
            key=${id}
            id=${`tab-${id}`}
            class="tab"
            type="button"
            role="tab"
            aria-selected=${id === chosen ? 'true' : 'false'}
            aria-controls=${id === chosen ? `panel-${id}` : undefined}
            tabindex=${id === chosen ? 0 : -1}
            onClick=${() => onChoose(id)}
          >
            ${title}
          </button>`,
      )}
    </div>
    ${aside}
  </div>`;
}

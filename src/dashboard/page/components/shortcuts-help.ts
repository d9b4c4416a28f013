import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { SHORTCUTS } from '../hooks/use-shortcuts.js';

/** The page's keyboard shortcuts. Open while it is rendered. */
export function ShortcutsHelp({ onClose }: { readonly onClose: () => void }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog class="dialog" ref=${dialog} aria-labelledby="keys-title" onClose=${onClose}>
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">
      ${SHORTCUTS.map(
        ([key, meaning]) =>
          html`<div key=${key}>
            <dt><kbd>${key}</kbd></dt>
            <dd>${meaning}</dd>
          </div>`,
      )}
    </dl>
    <div class="dialog-actions">
      <button class="button" type="button" onClick=${() => dialog.current?.close()}>Close</button>
    </div>
  </dialog>`;
}

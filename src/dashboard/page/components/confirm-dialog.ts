import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface ConfirmDialogProps {
  readonly question: string;
  /** What happens on confirmation. */
  readonly consequence: string;
  readonly action: string;
  readonly onConfirm: () => void;
  /** Called when the dialog closes, also after a confirmation. */
  readonly onClose: () => void;
}

/** Asks for confirmation before something is removed. Open while it is rendered. */
export function ConfirmDialog({ question, consequence, action, onConfirm, onClose }: ConfirmDialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog class="dialog" ref=${dialog} aria-labelledby="question" onClose=${onClose}>
    <h2 id="question">${question}</h2>
    <p class="muted">${consequence}</p>
    <div class="dialog-actions">
      <button class="button" type="button" onClick=${() => dialog.current?.close()}>Keep</button>
      <button
        class="button button-danger"
        type="button"
        onClick=${() => {
          dialog.current?.close();
          onConfirm();
        }}
      >
        ${action}
      </button>
    </div>
  </dialog>`;
}

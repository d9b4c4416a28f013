import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { SupersededAttempts } from '../hooks/use-superseded-attempts.js';

/** Checkbox: show superseded attempts in the timeline. */
export function AttemptsChoice({ superseded }: { readonly superseded: SupersededAttempts }): VNode {
  return html`<label
    class="attempts-choice"
    title="Also show attempts that were interrupted and superseded by a retry."
  >
    <input
      type="checkbox"
      checked=${superseded.isShown}
      onChange=${(event: Event & { readonly currentTarget: HTMLInputElement }) =>
        superseded.show(event.currentTarget.checked)}
    />
    All attempts
  </label>`;
}

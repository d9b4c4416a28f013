import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { SupersededAttempts } from '../hooks/use-superseded-attempts.js';

/** Whether the timeline shows superseded attempts of runs as well. */
export function AttemptsChoice({ superseded }: { readonly superseded: SupersededAttempts }): VNode {
  return html`<label class="attempts-choice" title="Show superseded attempts of runs as well: those that were cut off.">
    <input
      type="checkbox"
      checked=${superseded.isShown}
      onChange=${(event: Event & { readonly currentTarget: HTMLInputElement }) =>
        superseded.show(event.currentTarget.checked)}
    />
    All attempts
  </label>`;
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface KeyPromptProps {
  /** The app rejected the stored key. */
  readonly wasRefused: boolean;
  readonly onKey: (key: string) => Promise<void>;
}

/** Form for the function key. */
export function KeyPrompt({ wasRefused, onKey }: KeyPromptProps): VNode {
  const [isChecking, setIsChecking] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? '';
    if (key === '') return;
    setIsChecking(true);
    await onKey(key);
    setIsChecking(false);
    input.current?.select();
  };
  return html`<main class="splash">
    <form class="key-form" onSubmit=${submit}>
      <h1>Function key</h1>
      <p class="muted">This app requires a key. The page keeps it in this tab and sends it only to this app.</p>
      <label for="function-key">Key</label>
      <input
        id="function-key"
        class="field"
        type="password"
        autocomplete="off"
        spellcheck="false"
        ref=${input}
        aria-invalid=${wasRefused}
        aria-describedby="function-key-problem"
      />
      <p id="function-key-problem" class="problem" role="alert">
        ${wasRefused && !isChecking ? 'The app rejected this key.' : ''}
      </p>
      <button class="button button-main" type="submit" disabled=${isChecking}>Continue</button>
    </form>
  </main>`;
}

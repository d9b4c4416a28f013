import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';

export interface ActionButtonProps {
  readonly label: string;
  /** For screen readers. */
  readonly name: string;
  /** @returns what went wrong, for the user; `undefined` on success */
  readonly onAct: () => Promise<string | undefined>;
}

/** A button whose action takes a while and can fail. */
export function ActionButton({ label, name, onAct }: ActionButtonProps): VNode {
  const [isActing, setIsActing] = useState(false);
  const [problem, setProblem] = useState<string>();
  const act = async (): Promise<void> => {
    setIsActing(true);
    setProblem(await onAct());
    setIsActing(false);
  };
  return html`<button class="text-button" type="button" aria-label=${name} disabled=${isActing} onClick=${act}>
      ${label}
    </button>
    <span class="problem" role="alert">${problem}</span>`;
}

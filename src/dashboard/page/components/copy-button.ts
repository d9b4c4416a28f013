import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const SHOWN_MS = 2000;

export interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  /** What is copied, for screen readers. */
  readonly name: string;
}

/** Copies a text to the clipboard, and says whether that worked. */
export function CopyButton({ text, label, name }: CopyButtonProps): VNode {
  const [outcome, setOutcome] = useState<string>();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('Copied');
    } catch (error) {
      // A TypeError: browsers have no clipboard for pages over plain HTTP. A DOMException: the user refused.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      setOutcome('Not copied');
    }
  };
  return html`<button class="text-button" type="button" aria-label=${name} onClick=${copy}>
    <span aria-live="polite">${outcome ?? label}</span>
  </button>`;
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface ComposerProps {
  readonly isNew: boolean;
  /** @returns what went wrong, for the user; `undefined` on success */
  readonly onSend: (message: string) => Promise<string | undefined>;
}

/** Input for the next message. Enter sends; Shift+Enter starts a new line. */
export function Composer({ isNew, onSend }: ComposerProps): VNode {
  const [message, setMessage] = useState('');
  const [isSending, setIsSending] = useState(false);
  const [problem, setProblem] = useState<string>();
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // On a phone the on-screen keyboard would cover the page.
    if (isNew && matchMedia('(hover: hover)').matches) box.current?.focus();
  }, [isNew]);

  const send = async (): Promise<void> => {
    if (isSending || message.trim() === '') return;
    setIsSending(true);
    setProblem(undefined);
    setMessage('');
    const reason = await onSend(message);
    setIsSending(false);
    if (reason === undefined) return;
    setProblem(reason);
    // Keep what the user typed in the meantime.
    setMessage((typed) => (typed === '' ? message : typed));
  };

  return html`<form
    class="composer"
    onSubmit=${(event: Event) => {
      event.preventDefault();
      void send();
    }}
  >
    <p class="problem" role="alert">${problem}</p>
    <div class="composer-row">
      <textarea
        ref=${box}
        class="field"
        rows="1"
        aria-label="Message"
        placeholder="Write a message"
        value=${message}
        onInput=${(event: InputEvent & { readonly currentTarget: HTMLTextAreaElement }) =>
          setMessage(event.currentTarget.value)}
        onKeyDown=${(event: KeyboardEvent) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void send();
        }}
      ></textarea>
      <button class="button button-main" type="submit" disabled=${isSending || message.trim() === ''}>Send</button>
    </div>
  </form>`;
}

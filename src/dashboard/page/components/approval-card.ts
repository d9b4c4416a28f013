import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Approval, Decision } from '../api/approval.js';
import { formatTime } from '../format/format-time.js';
import { readableJson } from './code-block.js';

export interface ApprovalCardProps {
  readonly approval: Approval;
  /** @returns what went wrong, for the user; `undefined` on success */
  readonly onDecide: (decision: Decision) => Promise<string | undefined>;
}

/** A tool call that waits: its arguments, which can be edited, and the decision. */
export function ApprovalCard({ approval, onDecide }: ApprovalCardProps): VNode {
  const { approval_id: id, tool_name: toolName, expires_at: expiresAt } = approval;
  const given = readableJson(approval.arguments);
  const [text, setText] = useState(given);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isDeciding, setIsDeciding] = useState(false);
  const isEdited = text !== given;

  const decide = async (decision: Decision): Promise<void> => {
    setIsDeciding(true);
    setProblem(await onDecide({ ...decision, ...(reason.trim() !== '' && { reason: reason.trim() }) }));
    setIsDeciding(false);
  };
  const approve = async (): Promise<void> => {
    const edited = isEdited ? parseObject(text) : undefined;
    if (isEdited && edited === undefined) setProblem('The arguments are not a JSON object.');
    else await decide({ approved: true, ...(edited !== undefined && { arguments: edited }) });
  };

  return html`<section class="approval" aria-labelledby=${`approval-${id}`}>
    <h3 id=${`approval-${id}`}>Approve <code>${toolName}</code>?</h3>
    <p class="muted">If nobody decides, it is rejected at ${formatTime(Date.parse(expiresAt))}.</p>
    <label>
      Arguments
      <textarea
        class="field"
        rows="3"
        spellcheck="false"
        value=${text}
        onInput=${(event: InputEvent & { readonly currentTarget: HTMLTextAreaElement }) => setText(event.currentTarget.value)}
      ></textarea>
    </label>
    <label>
      Reason (optional)
      <input
        class="field"
        value=${reason}
        maxlength="2000"
        onInput=${(event: InputEvent & { readonly currentTarget: HTMLInputElement }) => setReason(event.currentTarget.value)}
      />
    </label>
    <p class="problem" role="alert">${problem}</p>
    <div class="approval-actions">
      <button class="button button-main" type="button" disabled=${isDeciding} onClick=${approve}>
        ${isEdited ? 'Approve with these arguments' : 'Approve'}
      </button>
      <button
        class="button button-danger"
        type="button"
        disabled=${isDeciding}
        onClick=${() => decide({ approved: false })}
      >
        Reject
      </button>
    </div>
  </section>`;
}

/** Returns `undefined` if the text is not the JSON of an object. */
function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

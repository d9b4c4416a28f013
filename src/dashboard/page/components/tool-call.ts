import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { formatDuration } from '../format/format-duration.js';
import type { ToolPart } from '../thread/run.js';
import { CodeBlock, readableJson } from './code-block.js';

const PREVIEW_CHARACTERS = 120;

/** A tool call in one line, with its arguments and result one click away. */
export function ToolCall({ part }: { readonly part: ToolPart }): VNode {
  const { toolName, arguments: given, outcome, approval } = part;
  const preview = typeof given === 'string' ? given : (JSON.stringify(given) ?? '');
  return html`<details class="tool" data-failed=${outcome?.isError === true}>
    <summary>
      <code class="tool-name">${toolName}</code>
      <span class="tool-preview">${preview.slice(0, PREVIEW_CHARACTERS)}</span>
      <span class="tool-state">${stateOf(part)}</span>
    </summary>
    <${ToolDetails} given=${given} outcome=${outcome} />
    ${approval !== undefined && part.reason && html`<p class="muted">Reason: ${part.reason}</p>`}
  </details>`;
}

/** The arguments and the result of a tool call. */
export function ToolDetails({ given, outcome }: { readonly given: unknown } & Pick<ToolPart, 'outcome'>): VNode {
  return html`<div class="tool-details">
    <${CodeBlock} title="Arguments" text=${readableJson(given)} name="arguments" />
    ${
      outcome !== undefined &&
      html`<${CodeBlock}
        title=${outcome.isError ? 'Error' : 'Result'}
        text=${readableJson(outcome.result)}
        name=${outcome.isError ? 'error' : 'result'}
      />`
    }
  </div>`;
}

function stateOf({ approval, outcome }: ToolPart): string {
  if (approval === 'requested') return 'waits for approval';
  if (approval === 'rejected' || approval === 'expired') return approval;
  if (outcome === undefined) return approval === 'approved' ? 'approved' : 'called';
  const took =
    outcome.durationMs === undefined
      ? ''
      : ` ${outcome.isError ? 'after' : 'in'} ${formatDuration(outcome.durationMs)}`;
  return `${outcome.isError ? 'failed' : 'returned'}${took}`;
}

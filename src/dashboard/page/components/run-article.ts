import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { formatCount, formatNumberOf } from '../format/format-count.js';
import { formatDuration } from '../format/format-duration.js';
import { formatTime } from '../format/format-time.js';
import { splitText } from '../format/split-text.js';
import type { RunActions } from '../hooks/use-run-actions.js';
import { figuresOf } from '../thread/run-figures.js';
import { answerOf, isEnded, isWaitingForApproval, type Run, type RunPart } from '../thread/run.js';
import { ActionButton } from './action-button.js';
import { CopyButton } from './copy-button.js';
import { Markdown } from './markdown.js';
import { RequestMessage } from './request-message.js';
import { ToolCall } from './tool-call.js';

export interface RunArticleProps {
  readonly run: Run;
  readonly sentAtMs: number | undefined;
  readonly isSelected: boolean;
  /** Address of the run. */
  readonly href: string;
  readonly actions: RunActions;
}

/** Error code of runs that were cancelled. */
const CANCELLED = 'cancelled';

/** A run in the conversation: request and answer. Rerenders only when the run changes. */
export function RunArticle({ run, sentAtMs, isSelected, href, actions }: RunArticleProps): VNode {
  const [isSourceShown, setIsSourceShown] = useState(false);
  return useMemo(
    () => renderRun({ run, sentAtMs, isSelected, href, actions }, isSourceShown, setIsSourceShown),
    [run, sentAtMs, isSelected, href, actions, isSourceShown],
  );
}

function renderRun(
  { run, sentAtMs, isSelected, href, actions }: RunArticleProps,
  isSourceShown: boolean,
  showSource: (isShown: boolean) => void,
): VNode {
  const { outcome, number, attempt, lostEvents } = run;
  const answer = answerOf(run);
  return html`<article class="run" aria-labelledby=${`run-${number}`} data-selected=${isSelected}>
    <header class="run-head">
      <h2 class="run-name" id=${`run-${number}`}>
        <a href=${href} aria-current=${isSelected ? 'true' : undefined}>Run ${number}</a>
      </h2>
      ${attempt > 1 && html`<span class="badge" title="The app was interrupted and repeated this run.">attempt ${attempt}</span>`}
      <p class="run-facts">${factsOf(run, sentAtMs).map((fact) => html`<span key=${fact}>${fact}</span>`)}</p>
    </header>
    <${RequestMessage} message=${run.requestMessage} />
    <div class="answer" aria-busy=${isEnded(run) || isWaitingForApproval(run) ? 'false' : 'true'}>
      ${run.parts.map((part, index) => renderPart(part, index, isSourceShown, !isEnded(run) && index === run.parts.length - 1))}
    </div>
    ${
      outcome.status === 'restarting' &&
      html`<p class="waiting muted">
        <span class="waiting-bar" aria-hidden="true"></span>
        The answer was interrupted. Starting over (attempt ${attempt})
      </p>`
    }
    ${outcome.status === 'failed' && (outcome.code === CANCELLED ? html`<p class="muted run-note">This run was stopped.</p>` : renderFailure(run, outcome))}
    ${outcome.status === 'answered' && outcome.isCut && html`<p class="muted run-note">The answer was cut off at the model’s token limit.</p>`}
    ${
      lostEvents > 0 &&
      html`<p class="run-note problem">
        ${formatNumberOf(lostEvents, 'event')} of this run ${lostEvents === 1 ? 'was' : 'were'} lost${' '} (the event
        store was unreachable).
      </p>`
    }
    ${run.wasRepeated && html`<p class="muted run-note">The app was interrupted and repeated this run.</p>`}
    <div class="run-actions">
      ${
        answer !== '' &&
        html`<${CopyButton} text=${answer} label="Copy" name=${`Copy the answer of run ${number}`} />
          <button
            class="text-button"
            type="button"
            aria-label=${`Show the answer of run ${number} as plain text`}
            aria-pressed=${isSourceShown ? 'true' : 'false'}
            onClick=${() => showSource(!isSourceShown)}
          >
            Plain text
          </button>`
      }
      ${!isEnded(run) && html`<${ActionButton} label="Stop" name=${`Stop run ${number}`} onAct=${() => actions.cancel(run.correlationId)} />`}
      ${outcome.status === 'failed' && html`<${ActionButton} label="Retry" name=${`Retry run ${number}`} onAct=${() => actions.retry(run)} />`}
    </div>
  </article>`;
}

function renderFailure(
  { updateCount }: Run,
  { code, message }: { readonly code: string; readonly message: string },
): VNode {
  return html`<div class="failure">
    <p class="failure-title">This run failed${updateCount > 0 ? ' before its answer was complete' : ''}.</p>
    <p>${message}</p>
    <p class="failure-code">${code}</p>
  </div>`;
}

function renderPart(part: RunPart, index: number, isSourceShown: boolean, isGrowing: boolean): VNode {
  switch (part.kind) {
    case 'tool':
      return html`<${ToolCall} key=${index} part=${part} />`;
    case 'aside':
      return html`<div class="part part-aside" key=${index}>
        <span class="part-title">${part.title}</span>
        ${part.text}
      </div>`;
    case 'text':
      return html`<div class="part" key=${index}>
        ${
          isSourceShown
            ? splitText(part.text).map((block, line) => html`<div class="markdown-source" key=${line}>${block}</div>`)
            : html`<${Markdown} text=${part.text} isGrowing=${isGrowing} />`
        }
      </div>`;
  }
}

function factsOf(run: Run, sentAtMs: number | undefined): string[] {
  const time = formatTime(run.startedAtMs);
  if (run.outcome.status === 'streaming')
    return [time, isWaitingForApproval(run) ? 'waiting for approval' : 'streaming'];
  const { totalMs, inputTokens, outputTokens } = figuresOf(run, sentAtMs);
  return [
    time,
    ...(totalMs === undefined ? [] : [formatDuration(totalMs)]),
    ...(inputTokens === undefined || outputTokens === undefined
      ? []
      : [`${formatCount(inputTokens)} → ${formatCount(outputTokens)} tokens`]),
  ];
}

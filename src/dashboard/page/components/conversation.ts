import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Decision } from '../api/approval.js';
import type { Approvals } from '../hooks/use-approvals.js';
import type { RunActions } from '../hooks/use-run-actions.js';
import type { PendingMessage } from '../hooks/use-thread.js';
import type { StoredConversation } from '../hooks/use-stored-conversation.js';
import { useStickToEnd } from '../hooks/use-stick-to-end.js';
import type { ThreadState } from '../thread/thread-state.js';
import { ApprovalCard } from './approval-card.js';
import { PendingRun } from './pending-run.js';
import { RunArticle } from './run-article.js';
import { StoredMessages } from './stored-messages.js';

const RUNS_AT_ONCE = 100;

export interface ConversationProps {
  readonly state: ThreadState;
  readonly sentAtMs: ReadonlyMap<string, number>;
  readonly pending: readonly PendingMessage[];
  /** Index of the selected run; -1 for none. */
  readonly runIndex: number;
  /** Whether the user chose the selected run. The conversation then scrolls to it. */
  readonly isRunChosen: boolean;
  readonly isNew: boolean;
  readonly isLoading: boolean;
  readonly hrefOf: (runId: string) => string;
  readonly actions: RunActions;
  /** Messages whose events are gone. */
  readonly stored: StoredConversation;
  readonly approvals: Approvals;
}

/** Requests and answers, run by run. */
export function Conversation(props: ConversationProps): VNode {
  const { state, sentAtMs, pending, runIndex, isRunChosen, isNew, isLoading, hrefOf, actions, stored, approvals } =
    props;
  const scroller = useRef<HTMLElement>(null);
  const { isAtEnd, scrollToEnd, letGo } = useStickToEnd(scroller);
  const [shownRuns, setShownRuns] = useState(RUNS_AT_ONCE);
  const hiddenRuns = Math.max(0, state.runs.length - shownRuns);
  const chosenRun = isRunChosen ? state.runs[runIndex]?.number : undefined;
  useEffect(() => {
    if (chosenRun === undefined) return undefined;
    letGo();
    setShownRuns((count) => Math.max(count, state.runs.length - runIndex));
    const show = (): void => document.querySelector(`#run-${chosenRun}`)?.closest('article')?.scrollIntoView();
    // Articles get their real height only when they come into view.
    let frame = requestAnimationFrame(() => {
      show();
      frame = requestAnimationFrame(show);
    });
    return () => cancelAnimationFrame(frame);
  }, [chosenRun]);
  const isEmpty = state.runs.length === 0 && pending.length === 0;

  return html`<section class="conversation" aria-label="Conversation" tabindex="0" ref=${scroller}>
      <div class="conversation-column">
        ${isEmpty && (isNew ? WELCOME : html`<p class="muted nothing-yet">${isLoading ? 'Loading the thread…' : 'This thread has no events.'}</p>`)}
        ${
          state.isBeginningLost &&
          html`<p class="notice" role="status">
            Earlier events are gone: cleared, evicted by the store, or lost when the app restarted.
          </p>`
        }
        ${hiddenRuns === 0 && html`<${StoredMessages} stored=${stored} state=${state} />`}
        ${
          hiddenRuns > 0 &&
          html`<button
            class="button button-wide"
            type="button"
            onClick=${() => setShownRuns((count) => count + RUNS_AT_ONCE)}
          >
            Show earlier runs (${hiddenRuns})
          </button>`
        }
        ${state.runs
          .slice(hiddenRuns)
          .map(
            (run) =>
              html`<${RunArticle}
                key=${run.correlationId}
                run=${run}
                sentAtMs=${sentAtMs.get(run.correlationId)}
                isSelected=${run.number - 1 === runIndex}
                href=${hrefOf(run.correlationId)}
                actions=${actions}
              />`,
          )}
        ${approvals.failure !== undefined && html`<p class="problem" role="alert">The approvals could not be read: ${approvals.failure}</p>`}
        ${approvals.open.map(
          (approval) =>
            html`<${ApprovalCard}
              key=${approval.approval_id}
              approval=${approval}
              onDecide=${(decision: Decision) => approvals.decide(approval.approval_id, decision)}
            />`,
        )}
        ${pending.map((item) => html`<${PendingRun} key=${item.id} pending=${item} cancel=${actions.cancel} />`)}
      </div>
    </section>
    ${!isAtEnd && !isEmpty && html`<button class="button jump" type="button" onClick=${scrollToEnd}>Latest ↓</button>`}`;
}

const WELCOME = html`<div class="welcome">
  <p class="welcome-title">Send a message and watch the answer stream in.</p>
  <p class="muted">
    Every update from the model appears here as it arrives, with its time and size. Each thread has its own address. The
    app’s event store determines how long its events are kept.
  </p>
</div>`;

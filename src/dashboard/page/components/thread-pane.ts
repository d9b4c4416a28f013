import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { useApprovals } from '../hooks/use-approvals.js';
import { useKeptChoice } from '../hooks/use-kept-choice.js';
import { useMedia } from '../hooks/use-media.js';
import { useRunActions } from '../hooks/use-run-actions.js';
import { useStoredConversation } from '../hooks/use-stored-conversation.js';
import { useSupersededAttempts } from '../hooks/use-superseded-attempts.js';
import { useThread } from '../hooks/use-thread.js';
import { threadHref } from '../route.js';
import { isEnded, isWaitingForApproval, type Run, type ToolPart } from '../thread/run.js';
import type { Connection } from '../thread/thread-follower.js';
import { Announcer } from './announcer.js';
import { AttemptsChoice } from './attempts-choice.js';
import { Composer } from './composer.js';
import { ConnectionNote } from './connection-note.js';
import { Conversation } from './conversation.js';
import { Tabs } from './tabs.js';
import { ThreadHead } from './thread-head.js';
import { ThreadPanel } from './thread-panel.js';

export interface ThreadPaneProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  /** Its first message, once it is listed. */
  readonly title: string | undefined;
  /** Correlation id of the chosen run; `undefined` for the latest. */
  readonly runId: string | undefined;
  /** Whether the list says that a run of the thread waits for an approval. */
  readonly isListedAsWaiting: boolean;
  /** The thread does not exist until its first message is sent from here. */
  readonly isNew: boolean;
  readonly agentNames: readonly string[];
  readonly onAgentChange: (agentName: string) => void;
  /** Called when something that the thread list shows has changed. */
  readonly onChange: () => void;
  readonly onKeyRefused: () => void;
}

type View = (typeof ALL_TABS)[number]['id'];

/** One thread: conversation, events, figures, and the input for the next message. */
export function ThreadPane(props: ThreadPaneProps): VNode {
  const { api, thread, runId, title, isListedAsWaiting, isNew, agentNames, onAgentChange, onChange, onKeyRefused } =
    props;
  const session = useThread(api, thread, !isNew);
  const { state, connection, pending, sentAtMs } = session;
  const actions = useRunActions(api, thread, session);
  const superseded = useSupersededAttempts(api, thread, state);
  const [view, setView] = useKeptChoice<View>('thread-view', VIEWS, 'conversation');
  const [activeSequence, setActiveSequence] = useState<number>();
  const isWide = useMedia('(min-width: 70rem)');

  const endedRuns = state.runs.filter(isEnded).length;
  const calls = toolCallsOf(state.runs.filter(isWaitingForApproval));
  /** Changes when an approval is requested or decided. */
  const asked = calls.map(({ callId, approval }) => `${callId} ${approval}`).join();
  useEffect(onChange, [onChange, state.epoch, state.runs.length, endedRuns, asked]);
  const isKeyRefused = connection.state === 'stopped' && connection.status === 401;
  useEffect(() => {
    if (isKeyRefused) onKeyRefused();
  }, [isKeyRefused]);

  const send = async (message: string): Promise<string | undefined> => {
    const problem = await session.send(message);
    if (problem === undefined && isNew) location.hash = threadHref(thread);
    else if (problem === undefined && runId !== undefined) location.replace(threadHref(thread));
    return problem;
  };
  const areEventsMissing = !isNew && connection.state === 'live' && (state.runs.length === 0 || state.isBeginningLost);
  const stored = useStoredConversation(api, thread, areEventsMissing);
  // Events tell what the thread waits for, unless they are gone.
  const isWaiting = asked !== '' || isListedAsWaiting || areEventsMissing;
  const approvals = useApprovals(
    api,
    thread,
    isWaiting ? asked : undefined,
    calls.filter(({ approval }) => approval === 'requested').length,
  );
  const runIndex = runId === undefined ? state.runs.length - 1 : (state.runIndexes.get(runId) ?? -1);
  const { agentName, threadId } = thread;
  const selectRun = useCallback(
    (id: string) => location.replace(threadHref({ agentName, threadId }, id)),
    [agentName, threadId],
  );
  const side = view === 'conversation' ? 'run' : view;
  const shown: View = isWide ? side : view;
  const panel = { state, sentAtMs, runIndex, onSelect: selectRun };
  const conversation = html`<${Conversation}
    ...${panel}
    hrefOf=${(id: string) => threadHref(thread, id)}
    isRunChosen=${runId !== undefined}
    actions=${actions}
    stored=${stored}
    approvals=${approvals}
    pending=${pending}
    isNew=${isNew}
    isLoading=${!isNew && connection.state === 'connecting'}
  />`;
  const tabs = html`<${Tabs}
    tabs=${isWide ? SIDE_TABS : ALL_TABS}
    chosen=${shown}
    onChoose=${setView}
    aside=${shown === 'events' ? html`<${AttemptsChoice} superseded=${superseded} />` : undefined}
  />`;

  return html`<main class="pane" tabindex="-1" aria-label=${isNew ? 'New thread' : `Thread ${thread.threadId}`}>
    <${ThreadHead}
      api=${api}
      thread=${thread}
      title=${title}
      isNew=${isNew}
      agentNames=${agentNames}
      connection=${connection}
      hasEvents=${state.events.length > 0}
      onAgentChange=${onAgentChange}
      onCleared=${onChange}
    />
    ${!isNew && !isWide && tabs}
    <div class=${isWide && !isNew ? 'thread-body thread-body-split' : 'thread-body'}>
      ${
        (isWide || isNew || view === 'conversation') &&
        html`<div key="main" class="thread-main" ...${isWide || isNew ? {} : tabPanel('conversation')}>
          ${conversation}
        </div>`
      }
      ${
        !isNew &&
        (isWide || view !== 'conversation') &&
        html`<aside key="side" class="thread-side" aria-label="Run, events and charts">
          ${isWide && tabs}
          <div class="thread-panel" ...${tabPanel(side)}>
            <${ThreadPanel}
              ...${panel}
              api=${api}
              thread=${thread}
              view=${side}
              noRunText=${noRunTextOf(connection, runId)}
              superseded=${superseded}
              activeSequence=${activeSequence}
              onActivate=${setActiveSequence}
              onShowEvents=${() => setView('events')}
            />
          </div>
        </aside>`
      }
      ${!isNew && html`<${ConnectionNote} key="connection" connection=${connection} onRetry=${session.retryNow} />`}
      <${Composer} key="composer" isNew=${isNew} onSend=${send} />
    </div>
    <${Announcer} state=${state} connection=${connection} />
  </main>`;
}

const SIDE_TABS = [
  { id: 'run', title: 'Run' },
  { id: 'events', title: 'Events' },
  { id: 'charts', title: 'Charts' },
] as const;
const ALL_TABS = [{ id: 'conversation', title: 'Conversation' }, ...SIDE_TABS] as const;

const VIEWS = ALL_TABS.map(({ id }) => id);

function noRunTextOf({ state }: Connection, runId: string | undefined): string {
  if (state === 'connecting') return 'Loading the run…';
  return runId === undefined ? 'The first run appears here.' : 'This thread has no events of this run.';
}

function toolCallsOf(runs: readonly Run[]): ToolPart[] {
  return runs.flatMap(({ parts }) => parts.filter((part) => part.kind === 'tool'));
}

function tabPanel(id: View): Readonly<Record<string, string>> {
  return { role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}` };
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { useMedia } from '../hooks/use-media.js';
import { useStoredConversation } from '../hooks/use-stored-conversation.js';
import { useSupersededAttempts } from '../hooks/use-superseded-attempts.js';
import { useThread } from '../hooks/use-thread.js';
import { threadHref } from '../route.js';
import { isEnded, type Run } from '../thread/run.js';
import { Announcer } from './announcer.js';
import { AttemptsChoice } from './attempts-choice.js';
import { Charts } from './charts.js';
import { Composer } from './composer.js';
import { ConnectionNote } from './connection-note.js';
import { Conversation } from './conversation.js';
import { Tabs } from './tabs.js';
import { ThreadHead } from './thread-head.js';
import { Timeline } from './timeline.js';

export interface ThreadPaneProps {
  readonly api: TelemetryApi;
  readonly thread: ThreadAddress;
  /** Its first message, once it is listed. */
  readonly title: string | undefined;
  /** The thread does not exist until its first message is sent from here. */
  readonly isNew: boolean;
  readonly agentNames: readonly string[];
  readonly onAgentChange: (agentName: string) => void;
  /** Called when something that the thread list shows has changed. */
  readonly onChange: () => void;
  readonly onKeyRefused: () => void;
}

type View = 'conversation' | 'timeline' | 'charts';

/** One thread: conversation, events, figures, and the input for the next message. */
export function ThreadPane(props: ThreadPaneProps): VNode {
  const { api, thread, title, isNew, agentNames, onAgentChange, onChange, onKeyRefused } = props;
  const session = useThread(api, thread, !isNew);
  const { state, connection, pending, sentAtMs } = session;
  const superseded = useSupersededAttempts(api, thread, state);
  const [selected, setSelected] = useState<number>();
  const [view, setView] = useState<View>('conversation');
  const isWide = useMedia('(min-width: 70rem)');

  const endedRuns = state.runs.filter(isEnded).length;
  useEffect(onChange, [onChange, state.epoch, state.runs.length, endedRuns]);
  const isKeyRefused = connection.state === 'stopped' && connection.status === 401;
  useEffect(() => {
    if (isKeyRefused) onKeyRefused();
  }, [isKeyRefused]);

  const send = async (message: string): Promise<string | undefined> => {
    const problem = await session.send(message);
    if (problem === undefined && isNew) location.hash = threadHref(thread);
    return problem;
  };
  const { cancel, send: sendAgain } = session;
  const actions = useMemo(
    () => ({
      cancel,
      retry: async (run: Run) => {
        try {
          // Events may hold a redacted message.
          const stored = await api.readRunMessage(
            { agentName: thread.agentName, threadId: thread.threadId },
            run.correlationId,
          );
          return await sendAgain(stored ?? run.requestMessage);
        } catch (error) {
          return describeFailure(error);
        }
      },
    }),
    [api, thread.agentName, thread.threadId, cancel, sendAgain],
  );
  const areEventsMissing = !isNew && connection.state === 'live' && (state.runs.length === 0 || state.isBeginningLost);
  const stored = useStoredConversation(api, thread, areEventsMissing);
  const runIndex = selected !== undefined && selected < state.runs.length ? selected : state.runs.length - 1;
  const side = view === 'charts' ? 'charts' : 'timeline';
  const shown: View = isWide ? side : view;
  const panel = { state, sentAtMs, runIndex, onSelect: setSelected };
  const conversation = html`<${Conversation}
    ...${panel}
    actions=${actions}
    stored=${stored}
    pending=${pending}
    isNew=${isNew}
    isLoading=${!isNew && connection.state === 'connecting'}
  />`;
  const tabs = html`<${Tabs}
    tabs=${isWide ? SIDE_TABS : ALL_TABS}
    chosen=${shown}
    onChoose=${setView}
    aside=${shown === 'timeline' ? html`<${AttemptsChoice} superseded=${superseded} />` : undefined}
  />`;

  return html`<main class="thread" tabindex="-1" aria-label=${isNew ? 'New thread' : `Thread ${thread.threadId}`}>
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
        html`<aside key="side" class="thread-side" aria-label="Telemetry">
          ${isWide && tabs}
          <div class="thread-panel" ...${tabPanel(side)}>
            ${side === 'charts' ? html`<${Charts} ...${panel} />` : html`<${Timeline} ...${panel} superseded=${superseded} />`}
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
  { id: 'timeline', title: 'Timeline' },
  { id: 'charts', title: 'Charts' },
] as const;
const ALL_TABS = [{ id: 'conversation', title: 'Conversation' }, ...SIDE_TABS] as const;

function tabPanel(id: View): Readonly<Record<string, string>> {
  return { role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}` };
}

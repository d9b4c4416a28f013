import { LaunchError } from '../launch-error.js';
import type { Printer } from '../printer.js';
import { followThread } from './follow-thread.js';
import { PullablePlug } from './pullable-plug.js';
import type { TelemetryEvent } from './telemetry-event.js';
import { ThreadView } from './thread-view.js';

const agentName = 'CallbackAgent';
const threadId = 'demo';
const messages = [
  'Hello! Who are you?',
  'Do you remember what I wrote before?',
  'And if my connection breaks while you answer?',
] as const;
/** The update of the last answer at which the connection is cut. */
const pullPlugAfter = 25;

export interface DemoOptions {
  readonly base: string;
  readonly printer: Printer;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/**
 * Sends the messages of the demo, each when the one before is answered, and shows the thread's live stream. In the last
 * answer it cuts its own connection, so that it has to go on where it was.
 *
 * @throws LaunchError when the app does not take a message, or its answers did not come whole, once and in order
 */
export async function showDemo({ base, printer, signal }: DemoOptions): Promise<void> {
  const plug = new PullablePlug();
  const sentAtMs = new Map<string, number>();
  const view = new ThreadView({
    printer,
    columns: () => process.stdout.columns,
    sentAtMs: (message) => sentAtMs.get(message),
  });
  const waiting: string[] = [...messages];
  const sendNext = async (): Promise<boolean> => {
    const message = waiting.shift();
    if (message === undefined) return false;
    sentAtMs.set(message, Date.now());
    await send(base, message, signal);
    return true;
  };

  let events: TelemetryEvent[] = [];
  let updatesOfLast = 0;
  const address = { base, agentName, threadId, key: undefined };
  for await (const news of followThread({ address, signal, fetch: plug.fetch })) {
    // The first news is that the stream is open: nothing to show, but time to begin.
    if (news.type === 'connected' && events.length === 0) {
      await sendNext();
      continue;
    }
    view.show(news);
    if (news.type === 'superseded') {
      events = events.filter(({ correlation_id: correlationId }) => correlationId !== news.correlationId);
    }
    if (news.type !== 'event') continue;
    events.push(news.event);
    if (news.event.event_type !== 'stream') {
      if (!(await sendNext())) break;
    } else if (waiting.length === 0) {
      updatesOfLast += 1;
      if (updatesOfLast === pullPlugAfter) plug.pull();
    }
  }
  if (signal.aborted) return;
  requireWhole(events);
  printer.line(`${events.length} events, in order: nothing missing, nothing twice.\n`);
}

async function send(base: string, message: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${base}/api/agents/${agentName}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message, thread_id: threadId, wait_for_response: false }),
    signal,
  });
  if (response.status === 202) return;
  throw new LaunchError(`The app did not take the message (${response.status}): ${await response.text()}`);
}

/** Each event comes once and in order, and what was streamed of each answer is all of it. */
function requireWhole(events: readonly TelemetryEvent[]): void {
  const isInOrder = events.every(({ sequence }, index) => sequence > (events[index - 1]?.sequence ?? 0));
  const finals = events.filter((event) => event.event_type === 'final');
  if (isInOrder && finals.every((event) => streamedText(events, event) === event.response_text)) return;
  const sequences = events.map(({ sequence }) => sequence);
  throw new LaunchError(`Events did not come as they should. Their numbers: ${sequences.join(' ')}`);
}

/** The updates of kind `text` of an event's run after its last tool call, joined. */
function streamedText(events: readonly TelemetryEvent[], { correlation_id: correlationId }: TelemetryEvent): string {
  const updates = events.filter((event) => event.event_type === 'stream' && event.correlation_id === correlationId);
  const lastTool = updates.findLastIndex((event) => event.event_type === 'stream' && event.tool_name !== undefined);
  return updates
    .slice(lastTool + 1)
    .map((event) => (event.event_type === 'stream' && event.update_kind === 'text' ? event.text : ''))
    .join('');
}

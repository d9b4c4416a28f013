import { LaunchError } from '../launch-error.js';
import type { Printer } from '../printer.js';
import { followThread } from './follow-thread.js';
import type { ApprovalEvent, TelemetryEvent } from './telemetry-event.js';
import type { ThreadAddress } from './thread-address.js';
import { ThreadView } from './thread-view.js';

interface DemoThread {
  readonly title: string;
  readonly agentName: string;
  readonly threadId: string;
  readonly messages: readonly string[];
  /** Further fields of the run requests. @default none */
  readonly request?: object;
  /** Whether the demo cuts its connection during the last answer. @default false */
  readonly isCut?: boolean;
}

const threads: readonly DemoThread[] = [
  {
    title: 'A conversation, and a connection that breaks',
    agentName: 'CallbackAgent',
    threadId: 'demo',
    messages: [
      'Hello! Who are you?',
      'Do you remember what I wrote before?',
      'And if my connection breaks while you answer?',
    ],
    isCut: true,
  },
  {
    title: 'Tools',
    agentName: 'WeatherAgent',
    threadId: 'demo',
    messages: ['What is the weather in Paris and Tokyo?'],
  },
  { title: 'More tools', agentName: 'MathAgent', threadId: 'demo', messages: ['How much is 2 * (3 + 4)^2?'] },
  {
    title: 'A refund that waits for approval, and gets it',
    agentName: 'RefundAgent',
    threadId: 'demo',
    messages: ['Please refund order A-1001.'],
  },
  {
    title: 'An answer that matches a JSON Schema',
    agentName: 'CallbackAgent',
    threadId: 'demo-json',
    messages: ['My invoice of May is wrong.'],
    request: {
      response_format: {
        type: 'object',
        properties: { title: { type: 'string' }, category: { enum: ['billing', 'delivery', 'other'] } },
        required: ['title', 'category'],
        additionalProperties: false,
      },
    },
  },
];
/** Number of the update in the last answer after which the demo cuts the connection. */
const pullPlugAfter = 25;

export interface DemoOptions {
  readonly base: string;
  readonly printer: Printer;
  /** Stops the demo early. */
  readonly signal: AbortSignal;
}

/**
 * Sends messages to agents, each after the previous one is answered, and shows the live streams of their threads: a
 * conversation, tool calls, an approval, and a structured answer. During one answer it cuts its own connection to show
 * how it resumes.
 *
 * @throws LaunchError if the app rejects a message, or if events are missing, repeated or out of order
 */
export async function showDemo(options: DemoOptions): Promise<void> {
  let eventCount = 0;
  for (const thread of threads) {
    eventCount += await showThread(thread, options);
    if (options.signal.aborted) return;
  }
  options.printer.line(`${eventCount} events in order: none missing, none repeated.\n`);
}

/** @returns the number of events */
async function showThread(
  { title, agentName, threadId, messages, request, isCut = false }: DemoThread,
  { base, printer, signal }: DemoOptions,
): Promise<number> {
  printer.line(printer.paint('bold', `${title} (${agentName})`));
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
    await send(`${base}/api/agents/${agentName}/run`, { ...request, message, thread_id: threadId }, signal);
    return true;
  };

  let events: TelemetryEvent[] = [];
  let updatesOfLast = 0;
  const address = { base, agentName, threadId, key: undefined };
  for await (const watchEvent of followThread({ address, signal, fetch: plug.fetch })) {
    // The stream is open for the first time: send the first message.
    if (watchEvent.type === 'connected' && events.length === 0) {
      await sendNext();
      continue;
    }
    view.show(watchEvent);
    if (watchEvent.type === 'superseded') {
      events = events.filter(({ correlation_id: correlationId }) => correlationId !== watchEvent.correlationId);
    }
    if (watchEvent.type !== 'event') continue;
    const { event } = watchEvent;
    events.push(event);
    if (event.event_type === 'approval') {
      if (event.state === 'requested') await approve(address, event, signal);
    } else if (event.event_type !== 'stream') {
      if (!(await sendNext())) break;
    } else if (isCut && waiting.length === 0) {
      updatesOfLast += 1;
      if (updatesOfLast === pullPlugAfter) plug.pull();
    }
  }
  if (!signal.aborted) requireWhole(events);
  return events.length;
}

async function send(url: string, request: object, signal: AbortSignal): Promise<void> {
  const response = await post(url, { ...request, wait_for_response: false }, signal);
  if (response.status === 202) return;
  throw new LaunchError(`The app rejected the message (${response.status}): ${await response.text()}`);
}

async function approve({ base, agentName, threadId }: ThreadAddress, event: ApprovalEvent, signal: AbortSignal) {
  const url = `${base}/api/agents/${agentName}/threads/${threadId}/approvals/${event.approval_id}`;
  const response = await post(url, { approved: true }, signal);
  if (response.ok) return;
  throw new LaunchError(`The app rejected the approval (${response.status}): ${await response.text()}`);
}

function post(url: string, body: object, signal: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
}

/** Checks that each event arrived once and in order, and that the updates of each answer add up to the answer. */
function requireWhole(events: readonly TelemetryEvent[]): void {
  const isInOrder = events.every(({ sequence }, index) => sequence > (events[index - 1]?.sequence ?? 0));
  const finals = events.filter((event) => event.event_type === 'final');
  if (isInOrder && finals.every((event) => streamedText(events, event) === event.response_text)) return;
  const sequences = events.map(({ sequence }) => sequence);
  throw new LaunchError(`Events are missing, repeated or out of order. Their numbers: ${sequences.join(' ')}`);
}

/** Returns the joined `text` updates of an event's run after its last tool call. */
function streamedText(events: readonly TelemetryEvent[], { correlation_id: correlationId }: TelemetryEvent): string {
  const updates = events.filter((event) => event.event_type === 'stream' && event.correlation_id === correlationId);
  const lastTool = updates.findLastIndex((event) => event.event_type === 'stream' && event.tool_name !== undefined);
  return updates
    .slice(lastTool + 1)
    .map((event) => (event.event_type === 'stream' && event.update_kind === 'text' ? event.text : ''))
    .join('');
}

/** Makes requests over a connection that can be cut at any time, like a network. */
class PullablePlug {
  #plugged = new AbortController();

  readonly fetch: typeof fetch = (input, init) => {
    const signal = AbortSignal.any([this.#plugged.signal, ...(init?.signal ? [init.signal] : [])]);
    return fetch(input, { ...init, signal });
  };

  /** Cuts current connections. New requests connect again. */
  pull(): void {
    this.#plugged.abort(new Error('the demo cut its own connection'));
    this.#plugged = new AbortController();
  }
}

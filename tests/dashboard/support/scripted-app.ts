import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { readDashboardAssets } from '../../../src/dashboard/dashboard-assets.js';
import type { AgentStats, RunSums } from '../../../src/dashboard/page/api/agent-stats.js';
import type { Approval, Decision } from '../../../src/dashboard/page/api/approval.js';
import type { TelemetryEvent } from '../../../src/dashboard/page/api/telemetry-event.js';
import { asyncListener } from '../../support/async-listener.js';
import { eventually } from '../../support/eventually.js';
import { listenForTest } from '../../support/listen-for-test.js';
import { winningEvents } from './telemetry-events.js';

const assetsFolder = path.resolve(__dirname, '../../../dist/src/dashboard/assets');

export const NO_RUNS: RunSums = {
  runs: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  running: 0,
  waiting_for_approval: 0,
  input_token_count: 0,
  output_token_count: 0,
};

/** A message that the page sent. */
export interface SentMessage {
  readonly agentName: string;
  readonly threadId: string;
  readonly message: string;
}

/** An app whose events arrive when a test appends them. */
export interface ScriptedApp {
  readonly baseUrl: string;
  readonly sent: readonly SentMessage[];
  /** Thread ids and queries of the requests for pages of events. */
  readonly reads: readonly string[];
  /** Queries of the requests for figures. */
  readonly statsQueries: readonly string[];
  /** Appends events to the app's only thread and sends them to its streams. */
  append(events: readonly TelemetryEvent[]): void;
  /** Sends the notice that an attempt is superseded to all streams. */
  supersede(correlationId: string, attempt: number): void;
  /** Figures of agents, by name. Those of others are zero. */
  readonly stats: Map<string, Partial<AgentStats>>;
  /** The decisions that the page sent. */
  readonly decisions: readonly (Decision & { readonly approvalId: string })[];
  /** Sets the approvals that the thread waits for. */
  ask(approvals: readonly Approval[]): void;
  /** Answers decisions with 409 from now on. */
  refuseDecisions(reason: string): void;
  /** Serves the record of a run. */
  keepRun(correlationId: string, record: Readonly<Record<string, unknown>>): void;
  /** Resolves when a stream is open. */
  followed(): Promise<void>;
  /** Answers 503 to requests for superseded attempts from now on. */
  refuseSuperseded(): void;
}

/** Serves the built page and the telemetry of one thread. Stops when the test ends. */
export async function startScriptedApp(agentNames: readonly string[] = ['CallbackAgent']): Promise<ScriptedApp> {
  const assets = await readDashboardAssets(assetsFolder);
  const streams = new Set<ServerResponse>();
  const sent: SentMessage[] = [];
  const reads: string[] = [];
  const statsQueries: string[] = [];
  const decisions: (Decision & { readonly approvalId: string })[] = [];
  let approvals: readonly Approval[] = [];
  let refusal: string | undefined;
  const runs = new Map<string, Readonly<Record<string, unknown>>>();
  const stats = new Map<string, Partial<AgentStats>>();
  let record: TelemetryEvent[] = [];
  let isRefusing = false;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams, search } = new URL(request.url ?? '/', 'http://localhost');
    const [, , first = '', agentName = '', kind = '', threadId = '', part, correlationId = ''] = pathname.split('/');
    const after = Number(
      /\d+$/.exec(String(request.headers['last-event-id'] ?? searchParams.get('after') ?? '0'))?.[0],
    );
    const isAudit = searchParams.get('superseded') === 'true';
    const ofRun = searchParams.get('correlation_id');
    const events = (isAudit ? record : winningEvents(record)).filter(
      ({ sequence, correlation_id: run }) => sequence > after && (ofRun === null || ofRun === run),
    );
    if (first === 'dashboard') {
      const asset = assets.get(agentName === '' ? 'index.html' : agentName);
      response.writeHead(asset === undefined ? 404 : 200, { 'content-type': asset?.contentType }).end(asset?.content);
    } else if (first === 'health') {
      const store = { kind: 'memory', status: 'available', lost_events: 2 };
      sendJson(response, 200, { agents: agentNames.map((name) => ({ name })), callback_store: store });
    } else if (kind === 'stats') {
      statsQueries.push(search);
      sendJson(response, 200, { ...noRuns(agentName), ...stats.get(agentName) });
    } else if (part === 'runs') {
      const run = runs.get(correlationId);
      sendJson(response, run === undefined ? 404 : 200, run ?? { error: 'There is no such run.' });
    } else if (part === 'approvals' && request.method === 'POST') {
      decisions.push({ approvalId: correlationId, ...JSON.parse(await readText(request)) });
      sendJson(response, refusal === undefined ? 202 : 409, refusal === undefined ? {} : { error: refusal });
    } else if (part === 'approvals') {
      sendJson(response, 200, { approvals });
    } else if (kind === 'threads') {
      sendJson(response, 200, []);
    } else if (kind === 'run') {
      const { message, thread_id: to } = JSON.parse(await readText(request));
      sent.push({ agentName, threadId: to, message });
      sendJson(response, 202, { thread_id: to, correlation_id: `run-${sent.length}` });
    } else if (part === 'stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: e1-${after}\nretry: 1000\n\n${events.map(frameOf).join('')}`);
      streams.add(response);
      response.once('close', () => streams.delete(response));
    } else if (isAudit && isRefusing) {
      sendJson(response, 503, { error: 'The event store is unreachable.' });
    } else {
      reads.push(`${threadId}${search}`);
      const cursor = `e1-${record.at(-1)?.sequence ?? 0}`;
      sendJson(response, 200, events, { 'x-next-cursor': cursor, 'x-has-more': 'false' });
    }
  };
  const server = createServer(asyncListener(answer));
  const broadcast = (text: string): void => {
    for (const response of streams) response.write(text);
  };

  return {
    baseUrl: await listenForTest(server),
    sent,
    reads,
    stats,
    statsQueries,
    decisions,
    ask: (asked) => {
      approvals = asked;
    },
    refuseDecisions: (reason) => {
      refusal = reason;
    },
    append: (events) => {
      record.push(...events);
      broadcast(events.map(frameOf).join(''));
    },
    supersede: (correlationId, attempt) => {
      broadcast(`event: superseded\ndata: ${JSON.stringify({ correlation_id: correlationId, attempt })}\n\n`);
    },
    keepRun: (correlationId, run) => {
      runs.set(correlationId, run);
    },
    followed: () =>
      eventually(() => {
        if (streams.size === 0) throw new Error('No stream is open');
      }),
    refuseSuperseded: () => {
      isRefusing = true;
    },
  };
}

/** Returns the figures of an agent without runs. */
function noRuns(agentName: string): AgentStats {
  const until = new Date().toISOString();
  const none = { p50: null, p95: null };
  return {
    agent_name: agentName,
    until,
    bucket_seconds: 60,
    buckets: [],
    totals: NO_RUNS,
    failures: [],
    first_update_ms: none,
    total_ms: none,
  };
}

function frameOf(event: TelemetryEvent): string {
  return `id: e1-${event.sequence}\nevent: ${event.event_type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await once(request, 'end');
  return text;
}

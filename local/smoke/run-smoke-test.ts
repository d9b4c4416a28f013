import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { LaunchError } from '../launch-error.js';
import { readEventStream } from '../watch/read-event-stream.js';

export interface SmokeTestOptions {
  /** Address of the app, without `/api`. */
  readonly base: string;
  readonly key: string | undefined;
  readonly agentName: string;
  readonly signal: AbortSignal;
  /** Called with each check that passed. */
  readonly report: (line: string) => void;
  /** How long to wait for a new deployment to respond: roles and instances need minutes. @default 5 minutes */
  readonly startupMs?: number;
}

const STARTUP_MS = 300_000;
const STARTUP_PAUSE_MS = 5000;
const REQUEST_MS = 120_000;
const CANCEL_MS = 20_000;
const CANCEL_PAUSE_MS = 200;
const LONG = 'Tell me a story of at least a thousand words.';

const health = z.object({ status: z.literal('healthy'), agents: z.array(z.object({ name: z.string() })) });
const answer = z.object({ status: z.literal('success'), response: z.string().min(1), thread_id: z.string() });
const runStatus = z.object({ status: z.string() });
const events = z.array(z.looseObject({ event_type: z.string(), response_text: z.string().optional() }));

/**
 * Checks a running app over HTTP, like a client.
 *
 * @throws LaunchError naming the failed check and the app's response
 */
export async function runSmokeTest(options: SmokeTestOptions): Promise<void> {
  const { agentName, report } = options;
  const agent = `/api/agents/${encodeURIComponent(agentName)}`;
  const { agents } = await waitForHealth(options);
  if (!agents.some(({ name }) => name === agentName))
    throw new LaunchError(`health: the app has no agent ${agentName}.`);
  report(`ok  health: ${agents.map(({ name }) => name).join(', ')}`);

  const threadId = `smoke-${randomUUID()}`;
  const body = JSON.stringify({ message: 'Answer with one short sentence.', thread_id: threadId });
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const run = answer.parse(await readJson('run', await request(options, `${agent}/run`, json)));
  report(`ok  run: ${run.response.length} characters`);

  const headers = { ...json.headers, accept: 'text/event-stream' };
  const stream = await request(options, `${agent}/run`, { ...json, headers });
  if (!stream.ok) throw await failure('stream', stream);
  const kinds = [];
  for await (const { event } of readEventStream(stream, { onHeard: () => {}, onRetry: () => {} })) kinds.push(event);
  if (kinds.at(-1) !== 'result') throw new LaunchError(`stream: ended without event: result (${kinds.length} events).`);
  report(`ok  stream: ${kinds.length} events`);

  const recorded = `${agent}/callbacks/${threadId}`;
  const kept = events.parse(await readJson('events', await request(options, recorded)));
  const finals = kept.filter(({ event_type: type }) => type === 'final');
  if (finals.length !== 2 || finals[0]?.response_text !== run.response) {
    throw new LaunchError(`events: expected the final events of two runs, found ${finals.length}.`);
  }
  report(`ok  events: ${kept.length} of 2 runs`);

  const removed = await request(options, recorded, { method: 'DELETE' });
  if (removed.status !== 204) throw await failure('reset', removed);
  const left = events.parse(await readJson('reset', await request(options, recorded)));
  if (left.length > 0) throw new LaunchError(`reset: ${left.length} events remain.`);
  report('ok  reset: events deleted');

  const accepted = { ...json, body: JSON.stringify({ message: LONG, thread_id: threadId, wait_for_response: false }) };
  const location = (await request(options, `${agent}/run`, accepted)).headers.get('location');
  if (location === null) throw new LaunchError('cancel: the answer to an accepted run has no Location.');
  const cancelled = await request(options, `${agent}/${location}/cancel`, { method: 'POST' });
  // A quick model may have answered first.
  if (cancelled.status !== 202 && cancelled.status !== 409) throw await failure('cancel', cancelled);
  const { status } = await readEndedRun(options, `${agent}/${location}`);
  report(`ok  cancel: the run is ${status}`);

  const deleted = await request(options, `${agent}/threads/${threadId}`, { method: 'DELETE' });
  if (deleted.status !== 204) throw await failure('delete', deleted);
  const gone = await request(options, `${agent}/threads/${threadId}`);
  if (gone.status !== 404) throw await failure('delete', gone);
  report('ok  delete: the thread is gone');
}

async function readEndedRun(options: SmokeTestOptions, path: string): Promise<z.infer<typeof runStatus>> {
  for (const deadline = performance.now() + CANCEL_MS; ; await delay(CANCEL_PAUSE_MS)) {
    const run = runStatus.parse(await readJson('cancel', await request(options, path)));
    if (run.status === 'cancelled' || run.status === 'completed') return run;
    if (performance.now() > deadline) throw new LaunchError(`cancel: the run is still ${run.status}.`);
  }
}

/** Retries until the app responds: before a new app is ready, Azure responds 404, 502 or 503, or not at all. */
async function waitForHealth(options: SmokeTestOptions): Promise<z.infer<typeof health>> {
  const deadline = performance.now() + (options.startupMs ?? STARTUP_MS);
  for (;;) {
    const response = await request(options, '/api/health').catch((error: unknown) => error);
    if (response instanceof Response && response.ok) return health.parse(await response.json());
    if (options.signal.aborted) throw response;
    if (performance.now() + STARTUP_PAUSE_MS > deadline) {
      throw response instanceof Response
        ? await failure('health', response)
        : new LaunchError(`health: no response from ${options.base}.`, { cause: response });
    }
    await delay(STARTUP_PAUSE_MS, undefined, { signal: options.signal });
  }
}

function request({ base, key, signal }: SmokeTestOptions, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set('x-functions-key', key);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
  return fetch(base + path, { ...init, headers, signal: limited });
}

async function readJson(check: string, response: Response): Promise<unknown> {
  if (!response.ok) throw await failure(check, response);
  return response.json();
}

async function failure(check: string, response: Response): Promise<LaunchError> {
  const text = await response.text();
  return new LaunchError(`${check}: the app responded ${response.status} ${text.slice(0, 500)}`);
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { app, HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { app as durableApp } from 'durable-functions';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type AddAgentOptions, AgentFunctionApp } from '../../src/durable-agents/agent-function-app.js';
import type { AgentFunctionAppOptions } from '../../src/durable-agents/agent-function-app-options.js';
import { waitingStateOf } from '../../src/durable-agents/approvals/waiting-run.js';
import { parseThreadState } from '../../src/durable-agents/thread/thread-state.js';
import { defineTool } from '../../src/durable-agents/tools/tool.js';
import { createModelAgent } from '../../src/durable-agents/tools/model-agent.js';
import { ScriptedChatModel } from '../../src/durable-agents/testing/scripted-chat-model.js';
import { finish, text } from '../support/agent-parts.js';
import { startDurableTaskServer } from '../support/durable-task-server.js';
import { FakeEntity } from '../support/fake-entity.js';
import { RunRecords } from '../../src/durable-agents/runs/run-records.js';
import { MemoryKeyValueStore } from '../../src/storage/memory/memory-key-value-store.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { builtInRedactors } from '../../src/durable-agents/redaction/built-in-redactors.js';
import { readFigures } from '../../src/durable-agents/runs/run-figures.js';
import { runRequest } from '../support/run-request.js';
import { threadState, turnEntries } from '../support/thread-entries.js';
import { ScriptedAgent } from '../support/scripted-agent.js';

const http = vi.spyOn(app, 'http');
const timer = vi.spyOn(app, 'timer');
const entity = vi.spyOn(durableApp, 'entity');

beforeEach(() => {
  http.mockReset().mockReturnValue();
  timer.mockReset().mockReturnValue();
  entity.mockReset();
});
afterEach(() => vi.useRealTimers());
afterAll(() => {
  for (const spy of [http, timer, entity]) spy.mockRestore();
});

const sunny = () => new ScriptedAgent([text('Sunny.'), finish()]);

/** Registers one agent, and describes each HTTP function as `{name} {methods} {route} {auth level}`. */
function registered(options: AgentFunctionAppOptions = {}, agentOptions: AddAgentOptions = {}): string[] {
  new AgentFunctionApp(options).addAgent(sunny(), agentOptions);
  return http.mock.calls.map(
    ([name, { methods, route, authLevel }]) => `${name} ${methods?.join()} ${route} ${authLevel}`,
  );
}

const health = 'health_check GET health function';
const run = 'http-ScriptedAgent POST agents/ScriptedAgent/run function';
const threads = [
  'get_stats GET agents/{agentName}/stats function',
  'get_thread GET agents/{agentName}/threads/{thread_id} function',
  'delete_thread DELETE agents/{agentName}/threads/{thread_id} function',
  'list_runs GET agents/{agentName}/threads/{thread_id}/runs function',
  'get_run GET agents/{agentName}/threads/{thread_id}/runs/{correlation_id} function',
  'cancel_run POST agents/{agentName}/threads/{thread_id}/runs/{correlation_id}/cancel function',
  'list_approvals GET agents/{agentName}/threads/{thread_id}/approvals function',
  'decide_approval POST agents/{agentName}/threads/{thread_id}/approvals/{approval_id} function',
];
const withLevel = (level: string) => [health, run, ...threads].map((line) => line.replace(/function$/, level));

describe('the HTTP functions of an app', () => {
  it.each<[string, AgentFunctionAppOptions, AddAgentOptions, string[]]>([
    ['by default', {}, {}, [health, run, ...threads]],
    ['with the auth level anonymous', { httpAuthLevel: 'anonymous' }, {}, withLevel('anonymous')],
    ['with the auth level admin', { httpAuthLevel: 'admin' }, {}, withLevel('admin')],
    ['without a health check', { enableHealthCheck: false }, {}, [run, ...threads]],
    [
      'without a health check, anonymous or not',
      { enableHealthCheck: false, enableAnonymousHealth: true },
      {},
      [run, ...threads],
    ],
    [
      'with anonymous health',
      { enableAnonymousHealth: true },
      {},
      ['health_check GET health anonymous', 'health_details GET health/details function', run, ...threads],
    ],
    ['without HTTP endpoints', { enableHttpEndpoints: false }, {}, [health]],
    [
      'with an endpoint for this agent alone',
      { enableHttpEndpoints: false },
      { enableHttpEndpoint: true },
      [health, run, ...threads],
    ],
    ['without an endpoint for this agent', {}, { enableHttpEndpoint: false }, [health]],
  ])('have these names, routes and auth levels: %s', (_what, options, agentOptions, expected) => {
    expect(registered(options, agentOptions)).toEqual(expected);
  });

  it('also serve agents in the options of the app', () => {
    const agentApp = new AgentFunctionApp({ agents: [sunny()] });

    expect(agentApp.agents.list().map(({ agent }) => agent.name)).toEqual(['ScriptedAgent']);
    expect(http.mock.calls.map(([name]) => name)).toEqual([
      'health_check',
      'http-ScriptedAgent',
      ...threads.map((line) => line.split(' ')[0]),
    ]);
    expect(entity.mock.calls.map(([name]) => name)).toEqual(['dafx-ScriptedAgent']);
  });
});

describe('the timer functions of an app', () => {
  it.each([
    { what: 'every night', options: {}, schedule: '0 47 2 * * *' },
    { what: 'every hour if threads expire', options: { threadTtlDays: 30 }, schedule: '0 47 * * * *' },
  ])('are the expiry of approvals, and the purge of threads, $what', ({ options, schedule }) => {
    registered(options);

    expect(timer.mock.calls.map(([name, registration]) => [name, registration.schedule])).toEqual([
      ['expire_approvals', '30 */5 * * * *'],
      ['purge_threads', schedule],
    ]);
  });
});

interface Call {
  readonly method: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly context?: InvocationContext;
}

/** Calls a registered HTTP function. */
async function call(name: string, { method, body, headers, context }: Call) {
  const found = http.mock.calls.find(([registeredName]) => registeredName === name);
  if (found === undefined) throw new Error(`${name} is not registered`);
  const request = new HttpRequest({
    url: 'http://localhost:7071/api/x',
    headers: { host: 'localhost:7071', 'content-type': 'application/json', ...headers },
    method,
    ...(body !== undefined && { body: { string: body } }),
  });
  const invocation = context ?? new InvocationContext({ functionName: name, logHandler: () => undefined });
  return found[1].handler(request, invocation);
}

describe('the health of an app', () => {
  it('lists its agents and the given details', async () => {
    registered({ healthDetails: async () => ({ store: 'fine' }) }, { enableHttpEndpoint: false });

    expect(await call('health_check', { method: 'GET' })).toMatchObject({
      jsonBody: {
        status: 'healthy',
        agents: [{ name: 'ScriptedAgent', http_endpoint_enabled: false }],
        agent_count: 1,
        store: 'fine',
      },
    });
  });

  it('is only a status if it is anonymous', async () => {
    registered({ enableAnonymousHealth: true, healthDetails: async () => ({ store: 'fine' }) });

    expect(await call('health_check', { method: 'GET' })).toEqual({ jsonBody: { status: 'healthy' } });
    expect(await call('health_details', { method: 'GET' })).toMatchObject({
      jsonBody: { agent_count: 1, store: 'fine' },
    });
  });
});

describe('the run endpoint', () => {
  it.each([
    { options: {}, bytes: 262_145 },
    { options: { maxMessageBytes: 3 }, bytes: 4 },
  ])('rejects a message of $bytes bytes', async ({ options, bytes }) => {
    registered(options);

    const answer = await call('http-ScriptedAgent', {
      method: 'POST',
      body: JSON.stringify({ message: 'x'.repeat(bytes) }),
    });

    expect(answer).toMatchObject({ status: 413, jsonBody: { error: expect.stringContaining(`${bytes - 1} bytes`) } });
  });
});

describe('a run endpoint', () => {
  const body = JSON.stringify({ message: 'Hi', thread_id: 'thread-1' });

  it.each<{ what: string; options: AgentFunctionAppOptions; status: number }>([
    { what: 'waitSeconds', options: { waitSeconds: 0.03 }, status: 500 },
    {
      what: 'maxPollRetries and pollIntervalSeconds, whatever waitSeconds is',
      options: { waitSeconds: 100, maxPollRetries: 2, pollIntervalSeconds: 0.02 },
      status: 500,
    },
    { what: 'maxPollRetries alone', options: { waitSeconds: 100, maxPollRetries: 0 }, status: 500 },
    {
      what: 'pollIntervalSeconds alone, 30 times',
      options: { waitSeconds: 100, pollIntervalSeconds: 0.001 },
      status: 500,
    },
    {
      what: 'waitSeconds, with the status that is set',
      options: { waitSeconds: 0.03, waitTimeoutStatus: 202 },
      status: 202,
    },
  ])('waits for $what', async ({ options, status }) => {
    const { context } = await startDurableTaskServer(() => undefined);
    registered(options);

    const answer = await call('http-ScriptedAgent', { method: 'POST', body, context });

    expect(answer).toMatchObject({
      status,
      jsonBody: { status: 'timeout' },
      headers: { location: expect.stringMatching(/^threads\/thread-1\/runs\/[0-9a-f]{32}$/), 'retry-after': '2' },
    });
  });

  it('waits for 30 s by default, with a last poll in the last second', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const server = await startDurableTaskServer(() => undefined);
    registered();
    const startMs = performance.now();
    const waitedMs: number[] = [];

    const answering = call('http-ScriptedAgent', { method: 'POST', body, context: server.context }).finally(() => {
      waitedMs.push(performance.now() - startMs);
    });
    // The requests to the server take real time, so the clock is slow until the first poll.
    while (waitedMs.length === 0) {
      await nextTurn();
      await vi.advanceTimersByTimeAsync(server.readCount === 0 ? 1 : 100);
    }

    expect(await answering).toMatchObject({ status: 500, jsonBody: { status: 'timeout' } });
    expect(waitedMs[0]).toBeGreaterThanOrEqual(29_000);
    expect(waitedMs[0]).toBeLessThanOrEqual(30_100);
  });

  it('creates the run record in the storage of the app', async () => {
    const { context } = await startDurableTaskServer(() => undefined);
    const storage = new MemoryKeyValueStore();
    registered({ storage, waitSeconds: 0.03 });

    await call('http-ScriptedAgent', { method: 'POST', body, context });

    const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
    expect(await new RunRecords(storage).listOpen(thread)).toMatchObject([{ status: 'queued', message: 'Hi' }]);
  });

  it('ends the answer of an agent with a response schema with its structured response', async () => {
    const response = '{"stars":4}';
    const { context } = await startDurableTaskServer(({ input }) => {
      const { correlationId } = input as { readonly correlationId: string };
      const messages = [{ role: 'assistant', contents: [{ $type: 'text', text: response }] }];
      const conversationHistory = [{ $type: 'response', correlationId, messages }];
      return { schemaVersion: '1.1.0', data: { conversationHistory } };
    });
    const responseSchema = z.object({ stars: z.number() });
    new AgentFunctionApp().addAgent(
      createModelAgent({ name: 'ReviewAgent', model: new ScriptedChatModel(), responseSchema }),
    );

    const { jsonBody } = (await call('http-ReviewAgent', { method: 'POST', body, context })) as HttpResponseInit;

    expect(jsonBody).toMatchObject({ status: 'success', response });
    expect(Object.entries(jsonBody).at(-1)).toEqual(['structured_response', { stars: 4 }]);
  });

  it('streams if the app has run events', async () => {
    const { context } = await startDurableTaskServer(() => undefined);
    registered({ runEvents: { maxDurationMs: 1000, follow } });

    const answer = await call('http-ScriptedAgent', {
      method: 'POST',
      body,
      context,
      headers: { accept: 'text/event-stream' },
    });

    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
  });
});

async function* oneFrame(): AsyncGenerator<Uint8Array, 'ended'> {
  yield Buffer.from(': hello\n\n');
  return 'ended';
}

const follow = async () => ({ frames: oneFrame(), close: () => undefined });

/** Runs the entity of the registered agent. */
async function runEntity(state?: unknown): Promise<FakeEntity> {
  const options = entity.mock.calls[0]?.[1];
  const operation = new FakeEntity({ operationName: 'run', input: runRequest(), state });
  const handle: unknown = typeof options === 'function' ? options : options?.handler;
  if (typeof handle !== 'function') throw new Error('No entity is registered');
  await handle(operation.context);
  return operation;
}

describe('the callback of an agent', () => {
  const answered = ['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse'];

  it.each([
    { what: 'the default one', own: undefined, seenByDefault: answered },
    { what: 'its own in place of the default one', own: new RecordingCallback(), seenByDefault: [] },
  ])('is $what', async ({ own, seenByDefault }) => {
    const defaultCallback = new RecordingCallback();
    registered({ defaultCallback }, own === undefined ? {} : { callback: own });

    await runEntity();

    expect(defaultCallback.calls).toEqual(seenByDefault);
    expect(own?.calls ?? answered).toEqual(answered);
  });
});

describe('the time limit of a run', () => {
  it.each([
    { options: {}, seconds: 240 },
    { options: { runTimeoutSeconds: 10 }, seconds: 10 },
  ])('is $seconds s with $options', async ({ options, seconds }) => {
    vi.useFakeTimers();
    new AgentFunctionApp(options).addAgent(new ScriptedAgent([() => new Promise(() => {})]));

    const running = runEntity();
    await vi.advanceTimersByTimeAsync(seconds * 1000);

    const { writes } = await running;
    expect(JSON.stringify(writes)).toContain(`The run did not end within its time limit of ${seconds} s.`);
  });
});

describe('an app with two agents', () => {
  it('registers the endpoints of threads once', () => {
    const agentApp = new AgentFunctionApp({ agents: [sunny()] });
    agentApp.addAgent(Object.assign(sunny(), { name: 'OtherAgent' }));

    const names = http.mock.calls.map(([name]) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toContain('http-OtherAgent');
    expect(entity.mock.calls.map(([name]) => name)).toEqual(['dafx-ScriptedAgent', 'dafx-OtherAgent']);
  });

  it('gives its run endpoints the client of the durable entities', () => {
    registered();

    const [, options] = http.mock.calls.find(([name]) => name === 'http-ScriptedAgent') ?? [];
    expect(options?.extraInputs).toMatchObject([{ type: 'durableClient' }]);
  });
});

describe('what an app redacts', () => {
  it.each([
    { options: {}, shown: 'ada@example.com', stored: 'ada@example.com' },
    { options: { redact: [builtInRedactors.email] }, shown: '[redacted:email]', stored: 'ada@example.com' },
    {
      options: { redact: [builtInRedactors.email], redactAnswers: true },
      shown: '[redacted:email]',
      stored: '[redacted:email]',
    },
  ])('depends on its options: $shown in events, $stored in threads', async ({ options, shown, stored }) => {
    const defaultCallback = new RecordingCallback();
    new AgentFunctionApp({ ...options, defaultCallback }).addAgent(
      new ScriptedAgent([text('ada@example.com'), finish()]),
    );

    const { writes } = await runEntity();

    expect(defaultCallback.responses[0]?.text).toBe(shown);
    expect(JSON.stringify(writes)).toContain(`"text":"${stored}"`);
  });

  it('includes the titles of threads', async () => {
    const agentApp = new AgentFunctionApp({
      redact: [builtInRedactors.email],
      authorize: async () => ({ id: 'ann' }),
      agents: [sunny()],
    });
    const { context } = await startDurableTaskServer(() => undefined);
    const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
    const request = new HttpRequest({ method: 'POST', url: 'http://localhost/api/x', headers: { host: 'localhost' } });

    await agentApp.access.claim(request, context, thread, 'I am ada@example.com');

    expect(await agentApp.threadIndex.find(thread)).toMatchObject({ title: 'I am [redacted:email]' });
  });
});

describe('the memory of an app without a store', () => {
  it.each<[string, AgentFunctionAppOptions, boolean]>([
    ['at most as many threads as its options say', { memoryBounds: { maxThreads: 1, maxChars: 1_000_000 } }, false],
    ['1000 threads by default', {}, true],
  ])('has %s', async (_what, options, isKept) => {
    const agentApp = new AgentFunctionApp({ ...options, agents: [sunny()] });
    await agentApp.threadIndex.touch(
      { agentName: 'ScriptedAgent', threadId: 'older' },
      { message: 'Hi', status: 'completed', at: new Date() },
    );

    await runEntity();

    const older = await agentApp.threadIndex.find({ agentName: 'ScriptedAgent', threadId: 'older' });
    expect(older !== undefined).toBe(isKept);
  });
});

describe('the figures of an app', () => {
  it('are removed if they are older than a time', async () => {
    const storage = new MemoryKeyValueStore();
    const agentApp = new AgentFunctionApp({ storage, agents: [sunny()] });
    await runEntity();
    const read = async () =>
      (await readFigures(storage, 'ScriptedAgent', { since: undefined, until: new Date(), owner: undefined, limit: 9 }))
        .runs;
    expect(await read()).toHaveLength(1);

    await agentApp.removeOldStats(new Date(0));
    expect(await read()).toHaveLength(1);
    await agentApp.removeOldStats(new Date(Date.now() + 60_000));
    expect(await read()).toEqual([]);
  });
});

describe('the history that an agent gets', () => {
  const state = threadState(
    ...['1', '2', '3'].flatMap((id) => turnEntries(id, `Question ${id}`, { $type: 'text', text: 'Answer' })),
  );

  it.each<{ options: AgentFunctionAppOptions; questions: number }>([
    { options: {}, questions: 4 },
    { options: { maxHistoryTurns: 3 }, questions: 3 },
    { options: { maxHistoryTokens: 25, countTokens: () => 10 }, questions: 1 },
  ])('has $questions questions with $options', async ({ options, questions }) => {
    const agent = sunny();
    new AgentFunctionApp(options).addAgent(agent);

    await runEntity(state);

    expect(agent.calls[0]?.messages.filter(({ role }) => role === 'user')).toHaveLength(questions);
  });
});

describe('the approval of a tool call', () => {
  it.each([
    { options: {}, hours: 168 },
    { options: { approvalTimeoutHours: 2 }, hours: 2 },
  ])('expires after $hours hours with $options', async ({ options, hours }) => {
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      parameters: z.object({}),
      needsApproval: true,
      execute: () => 'paid',
    });
    const called = { kind: 'tool_call', callId: 'a', toolName: 'pay', arguments: '{}' } as const;
    const model = new ScriptedChatModel([called, finish()]);
    new AgentFunctionApp(options).addAgent(createModelAgent({ name: 'ScriptedAgent', model, tools: [pay] }));

    const { writes } = await runEntity();

    const { waitingRun } = waitingStateOf(parseThreadState(writes.at(-1)));
    const [approval] = waitingRun?.approvals ?? [];
    const waitMs = Date.parse(approval?.expiresAt ?? '') - Date.parse(approval?.requestedAt ?? '');
    expect(waitMs).toBe(hours * 3_600_000);
  });
});

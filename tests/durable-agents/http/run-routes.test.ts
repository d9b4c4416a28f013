import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../../src/durable-agents/access/authorize.js';
import type { ThreadAccess } from '../../../src/durable-agents/access/thread-access.js';
import {
  createCancelRunRoute,
  createGetRunRoute,
  createListRunsRoute,
} from '../../../src/durable-agents/http/run-routes.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import type { RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { toRunView } from '../../../src/durable-agents/http/run-view.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { createAccess } from '../../support/callback-invocation.js';
import { startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';
import { runRequest } from '../../support/run-request.js';

const thread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
const idOf = (index: number) => String(index).padStart(32, '0');

interface Call {
  readonly runs?: number;
  readonly correlationId?: string;
  readonly query?: string;
  /** The state of the thread's entity. */
  readonly state?: unknown;
  readonly runRecords?: RunRecords;
  readonly access?: ThreadAccess;
}

/** Accepts this many runs of a thread, then calls a route. */
async function call(
  createRoute: typeof createGetRunRoute,
  {
    runs = 1,
    correlationId = idOf(0),
    query = '',
    state,
    runRecords = newRecords(),
    access = createAccess(),
  }: Call = {},
) {
  for (let index = 0; index < runs; index += 1) {
    await runRecords.accept({ ...runRequest({ correlationId: idOf(index), message: `Hi ${index}` }), ...thread });
  }
  const server = await startDurableTaskServer(() => state, { states: { 'dafx-CallbackAgent/thread-1': state } });
  const request = new HttpRequest({
    method: 'GET',
    url: `http://localhost:7071/api/agents/CallbackAgent/threads/thread-1/runs${query}`,
    headers: { host: 'localhost:7071' },
    params: { agentName: 'callbackagent', thread_id: 'thread-1', correlation_id: correlationId },
  });
  const { status, headers, text } = await httpAnswer(createRoute({ access, runRecords }), request, server.context);
  return { status, headers: Object.fromEntries(headers), json: JSON.parse(text) };
}

function newRecords(): RunRecords {
  return new RunRecords(new MemoryKeyValueStore());
}

describe('GET a run', () => {
  it('says when to poll again until it ends', async () => {
    const runRecords = newRecords();

    const queued = await call(createGetRunRoute, { runRecords });
    await runRecords.cancel({ ...thread, correlationId: idOf(0) });
    const cancelled = await call(createGetRunRoute, { runRecords, runs: 0 });

    expect(queued).toMatchObject({ status: 200, json: { correlation_id: idOf(0), status: 'queued', message: 'Hi 0' } });
    expect(queued.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '2' });
    expect(cancelled).toMatchObject({ status: 200, json: { status: 'cancelled' } });
    expect(cancelled.headers['cache-control']).toBe('no-store');
    expect(cancelled.headers).not.toHaveProperty('retry-after');
  });

  it.each([
    { correlationId: 'f'.repeat(32), status: 404, error: 'There is no run with this correlation_id in the thread.' },
    {
      correlationId: 'f'.repeat(31),
      status: 400,
      error: 'Invalid correlation_id: expected the 32 lower-case hex digits of a run',
    },
    {
      correlationId: 'F'.repeat(32),
      status: 400,
      error: 'Invalid correlation_id: expected the 32 lower-case hex digits of a run',
    },
    {
      correlationId: 'f'.repeat(33),
      status: 400,
      error: 'Invalid correlation_id: expected the 32 lower-case hex digits of a run',
    },
  ])('is rejected with $status for the id $correlationId', async ({ correlationId, status, error }) => {
    expect(await call(createGetRunRoute, { correlationId })).toMatchObject({ status, json: { error } });
  });

  it('fails with the reason for a thread that cannot be read', async () => {
    const state = { schemaVersion: '2.0.0' };

    expect(await call(createGetRunRoute, { correlationId: 'f'.repeat(32), state })).toMatchObject({
      status: 500,
      json: { error: expect.stringContaining('schema version 2.0.0') },
    });
  });
});

describe('GET runs', () => {
  it('lists the newest first, in pages', async () => {
    const runRecords = newRecords();

    const first = await call(createListRunsRoute, { runRecords, runs: 3, query: '?limit=2' });
    const cursor = encodeURIComponent(String(first.headers['x-next-cursor']));
    const last = await call(createListRunsRoute, { runRecords, runs: 0, query: `?limit=2&cursor=${cursor}` });

    const idsOf = ({ json }: typeof first) => json.map((run: { correlation_id: string }) => run.correlation_id);
    expect(first.headers).toMatchObject({ 'cache-control': 'no-store', 'x-has-more': 'true' });
    expect(idsOf(first)).toEqual([idOf(2), idOf(1)]);
    expect(idsOf(last)).toEqual([idOf(0)]);
    expect(last.headers['x-has-more']).toBe('false');
    expect(last.headers).not.toHaveProperty('x-next-cursor');
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['cursor=1', 'cursor'],
    [`cursor=x${'1'.repeat(18)}|${'a'.repeat(32)}`, 'cursor'],
    [`cursor=${'1'.repeat(18)}|${'a'.repeat(32)}x`, 'cursor'],
  ])('rejects the query %s', async (query, name) => {
    expect(await call(createListRunsRoute, { query: `?${query}` })).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(`^Invalid ${name}: expected`) },
    });
  });
});

describe('cancelling a run', () => {
  it.each(['completed', 'failed'] as const)('is refused after it has %s', async (status) => {
    const runRecords = newRecords();
    const run = { ...runRequest({ correlationId: idOf(0) }), ...thread };
    await runRecords.accept(run);
    await runRecords.begin(run, 1);
    await runRecords.end(run, { status });

    expect(await call(createCancelRunRoute, { runRecords, runs: 0 })).toMatchObject({
      status: 409,
      json: { error: `The run has ended before it was cancelled: its status is ${status}.` },
    });
  });
});

describe('the access that a route of runs asks for', () => {
  it.each([
    ['read', createGetRunRoute],
    ['read', createListRunsRoute],
    ['cancel', createCancelRunRoute],
  ])('is to %s', async (action, createRoute) => {
    const asked: AccessRequest[] = [];
    const access = createAccess({
      authorize: async (_request, wanted) => {
        asked.push(wanted);
        return undefined;
      },
    });

    expect((await call(createRoute, { access })).status).toBe(403);
    expect(asked).toEqual([{ ...thread, action }]);
  });
});

describe('the view of a run', () => {
  const record: RunRecord = {
    correlationId: idOf(7),
    status: 'completed',
    createdAt: '2026-01-07T15:40:00.000Z',
    attempt: 1,
    message: 'Hi',
  } as RunRecord;

  it('has the names of the wire, and only keys with a value', () => {
    expect(JSON.parse(JSON.stringify(toRunView(record)))).toEqual({
      correlation_id: idOf(7),
      status: 'completed',
      created_at: '2026-01-07T15:40:00.000Z',
      attempt: 1,
      message: 'Hi',
    });
  });

  it('has times, usage, cost and the error', () => {
    const full = {
      ...record,
      startedAt: '2026-01-07T15:40:01.000Z',
      firstUpdateAt: '2026-01-07T15:40:02.000Z',
      endedAt: '2026-01-07T15:40:03.000Z',
      response: 'Hello',
      usage: { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7, extra: { cached_input_token_count: 1 } },
      cost: { amount: 0.5, currency: 'USD' },
      finishReason: 'stop',
      errorCode: 'rate_limited',
      error: 'Later.',
    } as RunRecord;

    expect(toRunView(full)).toEqual({
      correlation_id: idOf(7),
      status: 'completed',
      created_at: '2026-01-07T15:40:00.000Z',
      started_at: '2026-01-07T15:40:01.000Z',
      first_update_at: '2026-01-07T15:40:02.000Z',
      ended_at: '2026-01-07T15:40:03.000Z',
      attempt: 1,
      message: 'Hi',
      response: 'Hello',
      usage: {
        type: 'usage_details',
        input_token_count: 5,
        output_token_count: 2,
        total_token_count: 7,
        cached_input_token_count: 1,
      },
      cost: { amount: 0.5, currency: 'USD' },
      finish_reason: 'stop',
      error_code: 'rate_limited',
      error: 'Later.',
      approvals: undefined,
    });
  });
});

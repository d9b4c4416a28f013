import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Authorize } from '../../../src/durable-agents/access/authorize.js';
import { createStatsRoute, statsSchema } from '../../../src/durable-agents/http/stats-route.js';
import { removeOldFigures } from '../../../src/durable-agents/runs/run-figures.js';
import type { RunRecord, RunStatus } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { callbackInvocation, callbackRequest, createAccess } from '../../support/callback-invocation.js';
import { httpAnswer } from '../../support/http-answer.js';

const agentName = 'CallbackAgent';
const START_MS = Date.parse('2026-01-07T12:00:00.000Z');
const time = (seconds: number) => new Date(START_MS + seconds * 1000).toISOString();

/** A run of a test, its outcome, and its times in seconds. */
interface RunFacts {
  readonly thread?: string;
  readonly at: number;
  readonly status?: RunStatus;
  readonly errorCode?: string;
  readonly tokens?: readonly [input: number, output: number];
  readonly cost?: number;
  readonly currency?: string;
  /** Seconds after acceptance. */
  readonly firstUpdate?: number;
  readonly total?: number;
}

function createStats({ now = 7200, ...options }: { now?: number; authorize?: Authorize; maxRuns?: number } = {}) {
  const storage = new MemoryKeyValueStore();
  const index = new ThreadIndex(storage);
  let runCount = 0;
  let clock = 0;
  const records = new RunRecords(storage, () => new Date(START_MS + clock * 1000));

  /** Accepts and begins a run, then records its end, like an entity. */
  const run = async (facts: RunFacts, { deliveries = 1, owner }: { deliveries?: number; owner?: string } = {}) => {
    const { thread = 'thread-1', at, status = 'completed', tokens, cost, currency = 'USD', total = 2 } = facts;
    clock = at;
    const correlationId = (runCount += 1).toString(16).padStart(32, '0');
    const newRun = { agentName, threadId: thread, correlationId, message: 'Hi', createdAt: time(at) };
    const { record } = await records.accept(newRun);
    const note = async (changed: RunRecord) =>
      index.touch(newRun, { message: 'Hi', status: changed.status, at: new Date(time(at)), owner, run: changed });
    for (let delivery = 0; delivery < deliveries; delivery += 1) {
      await note({ ...record, status: 'running' });
      await note({
        ...record,
        status,
        ...(facts.firstUpdate !== undefined && { firstUpdateAt: time(at + facts.firstUpdate) }),
        ...(status !== 'running' && { endedAt: time(at + total) }),
        ...(status === 'failed' && { errorCode: facts.errorCode ?? 'model_error' }),
        ...(tokens && {
          usage: { inputTokenCount: tokens[0], outputTokenCount: tokens[1], totalTokenCount: tokens[0] + tokens[1] },
        }),
        ...(cost !== undefined && { cost: { amount: cost, currency } }),
      });
    }
  };

  const access = createAccess(options);
  const route = createStatsRoute({ ...options, access, storage, now: () => new Date(START_MS + now * 1000) });
  const ask = async (query = '') =>
    httpAnswer(route, callbackRequest({ query, params: { agentName: 'callbackagent' } }), callbackInvocation());
  const read = async (query = '') => statsSchema.parse(JSON.parse((await ask(query)).text));
  return { storage, records, index, run, ask, read };
}

const none = {
  runs: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  running: 0,
  waiting_for_approval: 0,
  input_token_count: 0,
  output_token_count: 0,
};

describe('GET agents/{agent}/stats', () => {
  it('counts runs by outcome, with tokens, costs, failures and times', async () => {
    const { run, read } = createStats({ now: 600 });
    await run({ at: 10, tokens: [100, 10], cost: 0.1, firstUpdate: 1, total: 4 });
    await run({ at: 20, tokens: [200, 20], cost: 0.2, firstUpdate: 2, total: 8 });
    await run({ at: 70, status: 'failed', errorCode: 'rate_limited', firstUpdate: 50, total: 60 });
    await run({ at: 70, status: 'failed' });
    await run({ at: 80, status: 'failed' });
    await run({ at: 90, status: 'cancelled' });
    await run({ at: 100, status: 'running' });
    await run({ at: 110, status: 'waiting_for_approval' });

    const { buckets, ...stats } = await read(`?since=${time(0)}&bucket=60`);

    const totals = {
      runs: 8,
      completed: 2,
      failed: 3,
      cancelled: 1,
      running: 1,
      waiting_for_approval: 1,
      input_token_count: 300,
      output_token_count: 30,
      cost: { amount: 0.3, currency: 'USD' },
    };
    expect(stats).toEqual({
      agent_name: 'CallbackAgent',
      since: time(0),
      until: time(600),
      bucket_seconds: 60,
      totals,
      failures: [
        { error_code: 'model_error', count: 2 },
        { error_code: 'rate_limited', count: 1 },
      ],
      first_update_ms: { count: 2, p50: 1000, p95: 2000 },
      total_ms: { count: 2, p50: 4000, p95: 8000 },
    });
    expect(buckets).toHaveLength(10);
    expect(buckets.slice(0, 3)).toEqual([
      { ...totals, start: time(0), runs: 2, failed: 0, cancelled: 0, running: 0, waiting_for_approval: 0 },
      { ...none, start: time(60), runs: 6, failed: 3, cancelled: 1, running: 1, waiting_for_approval: 1 },
      { ...none, start: time(120) },
    ]);
  });

  it('answers with zeros for an agent without runs', async () => {
    const { read } = createStats();
    const noTimes = { count: 0, p50: null, p95: null };
    expect(await read()).toEqual({
      agent_name: 'CallbackAgent',
      since: time(7200),
      until: time(7200),
      bucket_seconds: 60,
      buckets: [],
      totals: none,
      failures: [],
      first_update_ms: noTimes,
      total_ms: noTimes,
    });
  });

  it('starts with the oldest run by default, in about 60 buckets', async () => {
    const { run, read } = createStats({ now: 86_400 });
    await run({ at: 3725 });
    await run({ at: 80_000 });

    const all = await read();
    expect(all).toMatchObject({ since: time(3725), bucket_seconds: 3600, totals: { runs: 2 } });
    expect(all.buckets[0]).toMatchObject({ start: time(3600), runs: 1 });
    expect((await read(`?since=${time(3726)}`)).totals.runs).toBe(1);
    expect((await read(`?since=${time(3725)}&until=${time(80_000)}`)).totals.runs).toBe(1);
  });

  it.each([
    ['', 59 * 60, 60],
    ['', 59 * 60 + 1, 300],
    ['', 59 * 300, 300],
    ['', 59 * 604_800, 604_800],
    ['', 59 * 604_800 + 1, 8 * 86_400],
    ['', 10 * 365 * 86_400, 62 * 86_400],
    ['&bucket=777', 499 * 777, 777],
    ['&bucket=60', 499 * 60 + 1, 900],
    ['&bucket=3600', 499 * 3600 + 1, 86_400],
    ['&bucket=604800', 499 * 604_800 + 1, 8 * 86_400],
  ])('with the query %j has for %i seconds buckets of %i seconds', async (query, seconds, width) => {
    const { read } = createStats();
    const stats = await read(`?since=${time(0)}&until=${time(seconds)}${query}`);

    expect(stats.bucket_seconds).toBe(width);
    expect(stats.buckets.length).toBeLessThanOrEqual(500);
  });

  it('is not stored by caches', async () => {
    expect((await createStats().ask()).headers.get('cache-control')).toBe('no-store');
  });

  it('widens the buckets if there would be more than 500', async () => {
    const { run, read } = createStats();
    await run({ at: 0 });

    const wide = await read('?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z&bucket=60');

    expect(wide.buckets.length).toBeLessThanOrEqual(500);
    expect(wide.totals.runs).toBe(1);
    expect(wide.buckets.filter(({ runs }) => runs === 1)).toHaveLength(1);
  });

  it('counts a redelivered run once, and adds no cost in another currency than the newest', async () => {
    const { run, read } = createStats();
    await run({ at: 1, cost: 5, currency: 'EUR' });
    await run({ at: 2, cost: 0.5 }, { deliveries: 3 });

    expect((await read()).totals).toMatchObject({ runs: 2, cost: { amount: 0.5, currency: 'USD' } });
  });

  it('reads a limited number of the newest runs, and reports the time of the oldest of them', async () => {
    const { run, read } = createStats({ maxRuns: 1200 });
    for (let at = 0; at < 1201; at += 1) await run({ at });

    const all = await read('?since=2025-01-01T00:00:00Z');

    expect(all).toMatchObject({ truncated: true, since: time(1), totals: { runs: 1200 } });
    expect(await read(`?since=${time(1)}`)).not.toHaveProperty('truncated');
  });

  it('shows callers only the runs of their own threads', async () => {
    const { run, read } = createStats({ authorize: async () => ({ id: 'ann' }) });
    await run({ thread: 'of-ann', at: 1, tokens: [1, 2] }, { owner: 'ann' });
    await run({ thread: 'of-bob', at: 2, tokens: [10, 20] }, { owner: 'bob' });
    await run({ thread: 'of-nobody', at: 3, tokens: [100, 200] });

    expect((await read()).totals).toMatchObject({ runs: 1, input_token_count: 1 });
  });

  it('is rejected for callers who may not list threads', async () => {
    const { ask } = createStats({
      authorize: async (_request, { action }) => (action === 'list' ? undefined : { id: 'a' }),
    });
    expect((await ask()).status).toBe(403);
  });

  it.each([
    ['since=yesterday', 'since', 'a time'],
    ['until=2026', 'until', 'a time'],
    ['bucket=59', 'bucket', 'a whole number from 60 to 604800'],
    ['bucket=hour', 'bucket', 'a whole number from 60 to 604800'],
  ])('refuses %s and says what it expects', async (query, name, expected) => {
    const { status, text } = await createStats().ask(`?${query}`);
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toContain(`Invalid ${name}: expected ${expected}`);
  });

  it('forgets the runs of a thread whose records are removed, and those that are too old', async () => {
    const { storage, records, run, read } = createStats();
    for (let at = 0; at < 200; at += 1) await run({ thread: `thread-${at % 2}`, at });

    await records.clear({ agentName, threadId: 'thread-1' });
    expect((await read()).totals.runs).toBe(100);

    await removeOldFigures(storage, agentName, new Date(time(50)));
    expect(await read()).toMatchObject({ since: time(50), totals: { runs: 75 } });
  });

  it('equals the sums of a plain list, for any runs, deliveries, removed threads and periods', async () => {
    const second = fc.nat(4000);
    const facts = fc.record({
      thread: fc.constantFrom('a', 'b', 'c'),
      at: second,
      status: fc.constantFrom<RunStatus>('completed', 'failed', 'cancelled', 'running', 'waiting_for_approval'),
      errorCode: fc.constantFrom('rate_limited', 'run_timeout'),
      tokens: fc.tuple(fc.nat(5000), fc.nat(5000)),
      cost: fc.nat(1000),
      firstUpdate: fc.nat(10),
      total: fc.nat(100),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(facts, { maxLength: 40 }),
        fc.subarray(['a', 'b', 'c'] as const, { maxLength: 1 }),
        fc.tuple(second, second),
        fc.constantFrom('', '&bucket=60', '&bucket=777'),
        async (given, removed, bounds, bucket) => {
          const { run, read, records } = createStats();
          for (const one of given) await run(one, { deliveries: 1 + (one.at % 2) });
          for (const threadId of removed) await records.clear({ agentName, threadId });
          const [since, until] = bounds.toSorted((one, other) => one - other) as [number, number];

          const stats = await read(`?since=${time(since)}&until=${time(until)}${bucket}`);

          // Acceptance times never decrease, even if the clock of the process goes back.
          let latest = 0;
          const accepted = given.map((one) => ({ ...one, at: (latest = Math.max(latest, one.at)) }));
          const kept = accepted.filter(({ thread, at }) => !removed.includes(thread) && at >= since && at < until);
          expect(stats.totals).toMatchObject(plainSums(kept));
          expect(stats.failures).toEqual(plainFailures(kept));
          const completed = kept.filter(({ status }) => status === 'completed');
          expect(stats.total_ms.count).toBe(completed.length);
          for (const { start, ...sums } of stats.buckets) {
            const from = (Date.parse(start) - START_MS) / 1000;
            const own = kept.filter(({ at }) => at >= from && at < from + stats.bucket_seconds);
            expect(sums).toMatchObject(plainSums(own));
          }
          const counted = stats.buckets.reduce((sum, { runs }) => sum + runs, 0);
          expect(counted).toBe(kept.length);
        },
      ),
    );
  });
});

type PlainRun = Required<Pick<RunFacts, 'status' | 'errorCode' | 'tokens' | 'cost'>>;

function plainSums(runs: readonly PlainRun[]) {
  const sums = { ...none };
  for (const { status, tokens } of runs) {
    sums.runs += 1;
    if (status !== 'queued') sums[status] += 1;
    sums.input_token_count += tokens[0];
    sums.output_token_count += tokens[1];
  }
  const amount = runs.reduce((sum, { cost }) => sum + cost, 0);
  return { ...sums, ...(runs.length > 0 && { cost: { amount, currency: 'USD' } }) };
}

function plainFailures(runs: readonly PlainRun[]) {
  const failed = runs.filter(({ status }) => status === 'failed').map(({ errorCode }) => errorCode);
  return ['rate_limited', 'run_timeout']
    .map((code) => ({ error_code: code, count: failed.filter((other) => other === code).length }))
    .filter(({ count }) => count > 0)
    .toSorted((one, other) => other.count - one.count);
}

import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/dashboard/page/api/api-error.js';
import { type Connection, ThreadFollower } from '../../src/dashboard/page/thread/thread-follower.js';
import { answerOf } from '../../src/dashboard/page/thread/run.js';
import { applyChanges, EMPTY_THREAD, type ThreadState } from '../../src/dashboard/page/thread/thread-state.js';
import { CuttingApi } from './support/cutting-api.js';
import { changesOf, eventsOf, winningEvents } from './support/telemetry-events.js';

const events = eventsOf(
  { correlationId: 'a', texts: ['Why ', 'did 😀', '\r\n', 'the'], end: 'final' },
  { correlationId: 'b', texts: ['cloud'], end: 'failed' },
);
const thread = { agentName: 'CallbackAgent', threadId: 'thread-1' };

/** Follows until a state is reached. */
function follow(api: CuttingApi, isDone: (state: ThreadState) => boolean) {
  const connections: Connection[] = [];
  let state = EMPTY_THREAD;
  const batches: number[] = [];
  const done = new Promise<void>((resolve) => {
    const follower: ThreadFollower = new ThreadFollower({
      api,
      thread,
      firstRetryMs: 0,
      onConnection: (connection) => connections.push(connection),
      onChanges: (changes) => {
        batches.push(...changes.flatMap((item) => (item.type === 'event' ? [item.event.sequence] : [])));
        state = applyChanges(state, changes);
        if (isDone(state)) {
          follower.stop();
          resolve();
        }
      },
    });
    void follower.run();
  });
  return { done, connections, sequences: batches, state: () => state };
}

describe('ThreadFollower', () => {
  it('passes on each event once, wherever the stream breaks', async () => {
    const whole = applyChanges(
      EMPTY_THREAD,
      changesOf(events).map((item) => ({ ...item, receivedAtMs: 0 })),
    );
    const length = Buffer.byteLength(new CuttingApi(events).frames());
    for (let cut = 0; cut < length; cut += 1) {
      const api = new CuttingApi(events, { cutAt: cut });
      const { done, state, sequences } = follow(api, ({ lastSequence }) => lastSequence === events.length);
      await done;
      expect(sequences).toEqual(events.map(({ sequence }) => sequence));
      expect(state().runs.map(({ parts }) => parts)).toEqual(whole.runs.map(({ parts }) => parts));
    }
  });

  it('ends with the latest attempts of runs, wherever the stream breaks', async () => {
    const record = eventsOf(
      { correlationId: 'a', attempt: 1, texts: ['Half'] },
      { correlationId: 'a', attempt: 2, texts: [], end: 'failed' },
      { correlationId: 'a', attempt: 3, texts: ['Whole'], end: 'final' },
    );
    const winning = winningEvents(record);
    const length = Buffer.byteLength(new CuttingApi(record).frames());
    for (let cut = 0; cut <= length; cut += 1) {
      const { done, state } = follow(
        new CuttingApi(record, { cutAt: cut }),
        ({ lastSequence }) => lastSequence === record.length,
      );
      await done;
      expect(state().events.map(({ sequence }) => sequence)).toEqual(winning.map(({ sequence }) => sequence));
      expect(state().runs.map((run) => [run.attempt, answerOf(run)])).toEqual([[3, 'Whole']]);
    }
  });

  it('resumes after the last event and ignores the id of a superseded frame', async () => {
    const cursors: string[] = [];
    const [half, whole] = eventsOf(
      { correlationId: 'a', attempt: 1, texts: ['Half'] },
      { correlationId: 'a', attempt: 2, texts: ['Whole'] },
    ).map((event) => `id: e1-${event.sequence}\nevent: stream\ndata: ${JSON.stringify(event)}\n\n`);
    const superseded = 'id: e1-9\nevent: superseded\ndata: {"correlation_id":"a","attempt":1}\n\n';
    let state = EMPTY_THREAD;
    const follower: ThreadFollower = new ThreadFollower({
      api: {
        readEvents: async function* (_thread, after = 'e1-0') {
          yield { events: [], cursor: after, isReset: false };
        },
        openStream: (_thread, after) => {
          cursors.push(after);
          return Promise.resolve(new Response(cursors.length === 1 ? `${half}${superseded}` : whole));
        },
      },
      thread,
      firstRetryMs: 0,
      onConnection: () => {},
      onChanges: (changes) => {
        state = applyChanges(state, changes);
        if (state.lastSequence === 2) follower.stop();
      },
    });
    await follower.run();
    expect(cursors.slice(0, 2)).toEqual(['e1-0', 'e1-1']);
    expect(state.runs.map(answerOf)).toEqual(['Whole']);
  });

  it('reads a stream that arrives byte by byte', async () => {
    const { done, state } = follow(
      new CuttingApi(events, { pieceBytes: 1 }),
      ({ lastSequence }) => lastSequence === events.length,
    );
    await done;
    expect(state().events.map(({ text }) => text)).toEqual(
      applyChanges(EMPTY_THREAD, changesOf(events)).events.map(({ text }) => text),
    );
  });

  it('starts over when the store has a new epoch', async () => {
    const api = new CuttingApi(events);
    const { done, state } = follow(api, ({ epoch, lastSequence }) => {
      if (epoch === 'e1' && lastSequence === events.length) api.restart('e2', events.slice(0, 2));
      return epoch === 'e2' && lastSequence === 2;
    });
    await done;
    expect(state().events).toHaveLength(2);
  });

  it('reports that it is reconnecting, and why, until it is live again', async () => {
    const api = new CuttingApi(events, { failures: [new TypeError('fetch failed'), new ApiError(503, 'Busy.', 5)] });
    const { done, connections } = follow(api, ({ lastSequence }) => lastSequence === events.length);
    await done;
    expect(connections.map((connection) => ('reason' in connection ? connection.reason : connection.state))).toEqual([
      'connecting',
      'The app is unreachable.',
      'Busy.',
      'live',
    ]);
    expect(connections[2]).toMatchObject({ retryInMs: 5 });
  });

  it.each([
    ['the key is rejected', new ApiError(401, 'The app answered with status 401.')],
    ['the app has no such agent', new ApiError(404, 'There is no agent with the name "A".', undefined, true)],
  ])('stops when %s', async (_what, failure) => {
    const connections: Connection[] = [];
    const api = new CuttingApi(events, { failures: [failure] });
    await new ThreadFollower({
      api,
      thread,
      onChanges: () => {},
      onConnection: (connection) => connections.push(connection),
    }).run();
    expect(connections.at(-1)).toMatchObject({ state: 'stopped', status: failure.status });
  });
});

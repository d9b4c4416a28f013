import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/dashboard/page/api/api-error.js';
import { type Connection, ThreadFollower } from '../../src/dashboard/page/thread/thread-follower.js';
import { applyNews, EMPTY_THREAD, type ThreadState } from '../../src/dashboard/page/thread/thread-state.js';
import { CuttingApi } from './support/cutting-api.js';
import { eventsOf, newsOf } from './support/telemetry-events.js';

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
      onNews: (news) => {
        batches.push(...news.flatMap((item) => (item.type === 'event' ? [item.event.sequence] : [])));
        state = applyNews(state, news);
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

describe('a thread follower', () => {
  it('passes on each event once, whichever byte of the stream the connection breaks at', async () => {
    const whole = applyNews(
      EMPTY_THREAD,
      newsOf(events).map((item) => ({ ...item, receivedAtMs: 0 })),
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

  it('puts together what comes byte by byte', async () => {
    const { done, state } = follow(
      new CuttingApi(events, { pieceBytes: 1 }),
      ({ lastSequence }) => lastSequence === events.length,
    );
    await done;
    expect(state().events.map(({ text }) => text)).toEqual(
      applyNews(EMPTY_THREAD, newsOf(events)).events.map(({ text }) => text),
    );
  });

  it('begins again when the record is another one', async () => {
    const api = new CuttingApi(events);
    const { done, state } = follow(api, ({ epoch, lastSequence }) => {
      if (epoch === 'e1' && lastSequence === events.length) api.restart('e2', events.slice(0, 2));
      return epoch === 'e2' && lastSequence === 2;
    });
    await done;
    expect(state().events).toHaveLength(2);
  });

  it('says that it is reconnecting, and why, until it is live again', async () => {
    const api = new CuttingApi(events, { failures: [new TypeError('fetch failed'), new ApiError(503, 'Busy.', 5)] });
    const { done, connections } = follow(api, ({ lastSequence }) => lastSequence === events.length);
    await done;
    expect(connections.map((connection) => ('reason' in connection ? connection.reason : connection.state))).toEqual([
      'connecting',
      'The app can’t be reached.',
      'Busy.',
      'live',
    ]);
    expect(connections[2]).toMatchObject({ retryInMs: 5 });
  });

  it('gives up when the key is refused', async () => {
    const connections: Connection[] = [];
    const api = new CuttingApi(events, { failures: [new ApiError(401, 'The app answered with status 401.')] });
    await new ThreadFollower({
      api,
      thread,
      onNews: () => {},
      onConnection: (connection) => connections.push(connection),
    }).run();
    expect(connections.at(-1)).toMatchObject({ state: 'stopped', status: 401 });
  });
});

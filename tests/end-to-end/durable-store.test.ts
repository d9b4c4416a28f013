import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentApi, newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithFaultyStore, startAppWithFaultyStore } from '../support/app-with-faulty-store.js';
import { eventually } from '../support/eventually.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import type { HttpAnswer } from '../support/http-exchange.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import { readToFinal } from '../support/read-to-final.js';
import type { ModelAnswer } from '../support/scripted-model.js';

const HELLO: ModelAnswer = { pieces: ['Hi.'] };
const PIECES = 80;
const LONG_PIECES = 300;
/** The number of chunks that follow once the store is back. */
const LAST_PIECES = 50;

const unreachable = { error: 'The storage cannot be reached. Try again in a moment.' };

async function storeHealth(api: AgentApi) {
  const { text } = await api.call('GET', 'health');
  return JSON.parse(text).callback_store;
}

/** The number of lost events that the log reports for each run. */
function warnedLosses({ app }: AppWithFaultyStore): (readonly [correlationId: string, lost: number])[] {
  const warnings = app.output().matchAll(/warning .*\[(\w+)\] (\d+) of the run's \d+ events are lost/g);
  return [...warnings].map(([, correlationId = '', lost]) => [correlationId, Number(lost)] as const);
}

function expectNoSecrets(texts: readonly string[], secrets: readonly string[]): void {
  for (const text of texts) {
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/\bat .*\.js:\d+|RestError|ECONN/);
  }
}

describe('the app while its store is unreachable', () => {
  const [storeIsBack, answerMayEnd] = [createGate(), createGate()];
  const longPieces = numberedPieces(LONG_PIECES);
  const answers: Readonly<Record<string, ModelAnswer>> = {
    'a long answer': {
      pieces: [...longPieces.slice(0, -LAST_PIECES), storeIsBack.opened, ...longPieces.slice(-LAST_PIECES)],
      pauseMs: 50,
    },
    'a held answer': { pieces: holdLast(numberedPieces(PIECES), answerMayEnd), pauseMs: 30 },
  };
  let target: AppWithFaultyStore;

  beforeAll(async () => {
    target = await startAppWithFaultyStore((message) => answers[message] ?? HELLO);
  });

  afterAll(() => target.stop());

  it('answers all runs, rejects readers, and reports lost events after a long outage', async () => {
    const { api, proxy } = target;
    const [kept, long, short, streamed] = [newThreadId(), newThreadId(), newThreadId(), newThreadId()];
    await api.ask(kept, 'Hello');
    await eventually(async () => expect((await api.events(kept)).at(-1)).toMatchObject({ event_type: 'final' }));
    const eventsBefore = await api.events(kept);
    const { headers } = await api.poll(kept);
    const pollBehind = () => api.poll(kept, `?after=${String(headers['x-next-cursor'])}&wait=30`);
    const longPoll = pollBehind();
    const follower = await api.stream(long);
    await api.run({ message: 'a long answer', thread_id: long, wait_for_response: false });
    await follower.until(({ events }) => events.length > 5);

    await proxy.setFault({ kind: 'black-hole' });
    const shortRun = api.run({ message: 'Hello', thread_id: short });
    const followedRun = await api.streamRun({ message: 'Hello', thread_id: streamed });
    const path = `agents/CallbackAgent/callbacks/${kept}`;
    const refused: HttpAnswer[] = await Promise.all([
      api.callbacks('GET', kept),
      api.callbacks('DELETE', kept),
      api.poll(kept, '?wait=10'),
      api.call('GET', `${path}/stream`, { accept: 'text/event-stream' }),
      api.call('GET', `${path}/export?format=csv`),
      api.call('GET', 'agents/CallbackAgent/threads'),
    ]);
    for (const {
      status,
      headers: { 'retry-after': retryAfter },
      text,
    } of refused) {
      expect({ status, retryAfter, body: JSON.parse(text) }).toEqual({
        status: 503,
        retryAfter: '2',
        body: unreachable,
      });
    }
    expect(await storeHealth(api)).toMatchObject({ kind: 'table', status: 'unavailable' });
    const answered = await shortRun;
    expect(answered).toMatchObject({ status: 200 });
    await followedRun.ended;
    expect(followedRun.names.at(-1)).toBe('result');
    const result = followedRun.received.events.at(-1)?.data ?? '';
    expect(JSON.parse(result)).toMatchObject({ status: 'success', response: 'Hi.', thread_id: streamed });
    expectNoSecrets([answered.text, followedRun.text, ...refused.map(({ text }) => text)], target.secrets);

    const givenUp = () => target.app.output().match(/the run continues without storing its events/g);
    await eventually(() => expect(givenUp()).toHaveLength(1));

    await proxy.setFault({ kind: 'none' });
    await eventually(async () => expect(await storeHealth(api)).toMatchObject({ status: 'available' }));
    storeIsBack.open();
    expect(await api.events(kept)).toEqual(eventsBefore);
    await api.ask(kept, 'Hello again');
    let polled = await longPoll;
    expect(polled.status).toBe(200);
    // The poll may have timed out before the event arrived.
    if (polled.text === '[]') polled = await pollBehind();
    expect(JSON.parse(polled.text)[0]).toMatchObject({ request_message: 'Hello again' });
    const events = await api.eventsOfEndedRuns(long, 1);
    expect(
      streamEvents(events)
        .slice(-LAST_PIECES)
        .map(({ text }) => text),
    ).toEqual(longPieces.slice(-LAST_PIECES));
    const final = events.at(-1);
    const lost = LONG_PIECES - streamEvents(events).length;
    expect(final).toMatchObject({ event_type: 'final', lost_events: lost });
    expect(lost).toBeGreaterThan(0);
    expect(await readToFinal(api, long, follower)).toEqual(events);

    const [ofShort, ofStreamed] = [JSON.parse(answered.text), JSON.parse(result)];
    // The app reports a loss after the last event of its run is stored.
    await expect
      .poll(() => new Set(warnedLosses(target)))
      .toEqual(
        new Set([
          [final?.correlation_id, lost],
          [ofShort.correlation_id, 2],
          [ofStreamed.correlation_id, 2],
        ]),
      );
    expect(givenUp()).toHaveLength(1);
    expect(await storeHealth(api)).toMatchObject({ lost_events: lost + 4 });
    for (const secret of target.secrets.slice(0, 2)) expect(target.app.output()).not.toContain(secret);
    expect(await api.callbacks('DELETE', kept)).toMatchObject({ status: 204 });
    expect(await api.ask(long, 'Hello')).toMatchObject({ message_count: 4 });
  });

  it('loses nothing if the store returns before a run gives up on it', async () => {
    const { api, proxy } = target;
    const threadId = newThreadId();
    const follower = await api.stream(threadId);
    const run = await api.streamRun({ message: 'a held answer', thread_id: threadId });
    await follower.until(({ events }) => events.length > 5);
    await proxy.setFault({ kind: 'refuse' });
    await eventually(async () => expect((await api.callbacks('GET', threadId)).status).toBe(503));
    expect(await storeHealth(api)).toMatchObject({ status: 'unavailable' });
    await proxy.setFault({ kind: 'none' });
    answerMayEnd.open();

    await run.ended;
    expect(run.names.at(-1)).toBe('result');
    const events = await api.events(threadId);
    expect(streamEvents(events)).toHaveLength(PIECES);
    expect(events.at(-1)).not.toHaveProperty('lost_events');
    expect(await readToFinal(api, threadId, follower)).toEqual(events);
  });
});

describe('the app when its store is unreachable at startup', () => {
  it('reports it, rejects readers, and stores events as soon as the store is reachable', async () => {
    const answerMayEnd = createGate();
    const script = () => ({ pieces: holdLast(numberedPieces(10), answerMayEnd) });
    const target = await startAppWithFaultyStore(script, { kind: 'refuse' });
    try {
      const { api, app, proxy } = target;
      const threadId = newThreadId();
      expect(await api.callbacks('GET', threadId)).toMatchObject({ status: 503 });
      expect(await storeHealth(api)).toMatchObject({ kind: 'table', status: 'unavailable', lost_events: 0 });
      await expect
        .poll(() => app.output())
        .toMatch(/The store \(table\) cannot be reached \((?:ECONN\w+|TimeoutError)\)/);
      const run = api.ask(threadId, 'Hello');
      await eventually(() => expect(target.model.requests).toHaveLength(1));
      await proxy.setFault({ kind: 'none' });
      answerMayEnd.open();
      await run;
      expect(await api.events(threadId)).toHaveLength(11);
      expect(await storeHealth(api)).toMatchObject({ status: 'available', lost_events: 0 });
    } finally {
      await target.stop();
    }
  });
});

import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventsOf } from '../../support/served-events.js';
import { RunRecorder } from '../../../src/audit/recording/run-recorder.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import type { NewEvent } from '../../../src/audit/domain/stored-event.js';
import { writerFor } from '../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';

const WHERE = `[CallbackAgent][${runId(1)}]`;
const GIVEN_UP = new RegExp(
  `^warn \\[CallbackAgent\\]\\[${runId(1)}\\] the run continues without storing its events, `,
);

function createRecorder(store = new HookedEventStore(), health = new StoreHealth(store)) {
  const log = createRecordingLog();
  const startedAt = '2026-01-07T15:40:01.500Z';
  const recorder = new RunRecorder({ store, health, thread, run: runOf(), log, startedAt });
  const lostEvents = async () => {
    store.hooks.before = undefined;
    store.hooks.after = undefined;
    return (await health.details()).callback_store;
  };
  return { store, health, log, recorder, lostEvents };
}

/** The text of each stored event, of all attempts. */
async function keptTexts(store: HookedEventStore): Promise<string[]> {
  store.hooks.before = undefined;
  store.hooks.after = undefined;
  const events = eventsOf(await store.list(thread));
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  return events.map((event) => (event.event_type === 'stream' ? event.text : event.event_type));
}

/** Numbered texts: the first `count` events of a run. */
function texts(count: number, from = 0): string[] {
  return Array.from({ length: count - from }, (_, index) => `${from + index}`);
}

/** Adds events one after another, as a run does. */
async function addAll(recorder: RunRecorder, count: number, from = 0): Promise<void> {
  for (const text of texts(count, from)) await recorder.add(streamEvent(text));
}

/** A started attempt in a store whose appends wait for a gate. */
async function createHeldUp() {
  const parts = createRecorder();
  const gate = createGate();
  parts.recorder.begin();
  await new Promise(setImmediate);
  parts.store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
  return { ...parts, open: gate.open };
}

/** Whether a promise has settled after everything that needs no timer has run. */
async function hasSettled(work: void | Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  Promise.resolve(work).then(settle, settle);
  await new Promise(setImmediate);
  return settled;
}

/** Advances fake time until a promise settles. @returns the elapsed time in ms */
async function timeOf(work: void | Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const end = { atMs: Infinity };
  const settled = Promise.resolve(work).finally(() => {
    end.atMs = performance.now();
  });
  for (let passed = 0; end.atMs === Infinity && passed < 60_000; passed += 10) await passTime(10);
  await settled;
  return end.atMs - begun;
}

async function passTime(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Plays a run with this many updates. @returns how long it waited for the store, in ms */
async function timeOfRun(recorder: RunRecorder, updates: number): Promise<number> {
  recorder.begin();
  const time = await timeOf(addAll(recorder, updates).then(() => recorder.end(finalEvent())));
  // The last pause of the writer.
  await passTime(1000);
  return time;
}

/** A hook that fails with an error that no retry can fix. */
function mistake(): never {
  throw new TypeError('There is a mistake in the store.');
}

describe('a run recorder', () => {
  it('writes an event at once if no write is in flight', async () => {
    const { store, recorder } = createRecorder();
    for (const text of texts(3)) {
      await recorder.add(streamEvent(text));
      await new Promise(setImmediate);
    }
    expect(store.appends).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(await keptTexts(store)).toEqual(texts(3));
  });

  it('starts an attempt before there are events, without waiting for it', async () => {
    const { store, recorder } = createRecorder();
    const gate = createGate();
    store.hooks.before = () => gate.opened;
    expect(recorder.begin()).toBeUndefined();
    expect(store.calls).toEqual(['beginAttempt']);
    gate.open();
    await new Promise(setImmediate);
    const run = await store.readRun(thread, runId(1));
    expect(run).toMatchObject({ ...runOf(), attempts: [{ attempt: 1, startedAt: '2026-01-07T15:40:01.500Z' }] });
    expect(store.appends).toEqual([]);
  });

  it('batches events that arrive during a write, up to 50', async () => {
    const { store, recorder, open } = await createHeldUp();
    await addAll(recorder, 51);
    const last = recorder.add(streamEvent('51'));
    open();
    await last;
    await recorder.end(finalEvent());
    expect(store.appends.slice(0, 2)).toEqual([
      [0, 1],
      [1, 50],
    ]);
    expect(await keptTexts(store)).toEqual([...texts(52), 'final']);
  });

  it.each([
    ['up to 256 Ki characters', [1, 100_000, 100_000, 100_000, 100_000, 100_000, 1], [1, 2, 2, 2]],
    ['a larger event alone', [1, 1, 300_000, 1, 1], [1, 1, 1, 2]],
    ['several larger events one by one', [1, 300_000, 300_000, 1], [1, 1, 1, 1]],
  ])('batches %s', async (_what, lengths, counts) => {
    const { store, recorder, open } = await createHeldUp();
    for (const length of lengths) await recorder.add(streamEvent('x'.repeat(length)));
    open();
    await new Promise(setImmediate);
    expect(store.appends.map(([, count]) => count)).toEqual(counts);
    expect((await keptTexts(store)).map((text) => text.length)).toEqual(lengths);
  });

  it('makes the run wait while 50 events are buffered behind a write', async () => {
    const { store, recorder, open } = await createHeldUp();
    await addAll(recorder, 51);
    const waiting = recorder.add(streamEvent('51'));
    expect(await hasSettled(waiting)).toBe(false);
    expect(store.appends).toEqual([[0, 1]]);
    open();
    await waiting;
    expect(store.appends.length).toBeGreaterThan(1);
  });

  it('releases all waiting callers', async () => {
    const { recorder, open } = await createHeldUp();
    await addAll(recorder, 51);
    const waiting = texts(55, 51).map(async (text) => recorder.add(streamEvent(text)));
    open();
    expect(await Promise.all(waiting)).toHaveLength(4);
  });

  it('ends when all events are stored', async () => {
    const { store, log, recorder, lostEvents, open } = await createHeldUp();
    await addAll(recorder, 20);
    const end = recorder.end(finalEvent());
    expect(await hasSettled(end)).toBe(false);
    open();
    expect(await end).toBe(true);
    expect(await keptTexts(store)).toEqual([...texts(20), 'final']);
    expect(log.lines).toEqual([]);
    expect(await lostEvents()).toEqual({ kind: 'memory', status: 'available', lost_events: 0 });
  });

  it('returns no promise unless the run has to wait', async () => {
    const { recorder, open } = await createHeldUp();
    for (const text of texts(51)) expect(recorder.add(streamEvent(text))).toBeUndefined();
    const waiting = recorder.add(streamEvent('51'));
    expect(waiting).toBeInstanceOf(Promise);
    open();
    await waiting;
  });

  it('can end without having started', async () => {
    const { store, recorder } = createRecorder();
    expect(await recorder.end(finalEvent())).toBe(true);
    expect(await keptTexts(store)).toEqual(['final']);
  });

  it('keeps an event that arrives just as the previous write ends', async () => {
    for (let turns = 0; turns < 40; turns += 1) {
      const { store, recorder } = createRecorder();
      void recorder.add(streamEvent('0'));
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      void recorder.add(streamEvent('1'));
      await new Promise(setImmediate);
      expect(await keptTexts(store)).toEqual(['0', '1']);
    }
  });

  it('logs once that another attempt has started, and counts no event as lost', async () => {
    const { store, log, recorder, lostEvents } = createRecorder();
    await addAll(recorder, 2);
    await new Promise(setImmediate);
    await writerFor(store).final('by another');
    for (let count = 0; count < 3; count += 1) {
      await addAll(recorder, 100);
      await new Promise(setImmediate);
    }
    expect(await recorder.end(finalEvent())).toBe(false);
    expect(log.lines).toEqual([
      `warn ${WHERE} another delivery of the run has started; the events of this one are no longer stored (thread thread-1)`,
    ]);
    expect(await keptTexts(store)).toEqual(['0', '1', 'final']);
    expect(await lostEvents()).toMatchObject({ lost_events: 0 });
  });

  it('releases a waiting run when another attempt starts', async () => {
    const { store, recorder } = createRecorder();
    const gate = createGate();
    await addAll(recorder, 1);
    await new Promise(setImmediate);
    store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
    await addAll(recorder, 52, 1);
    const waiting = recorder.add(streamEvent());
    const ended = recorder.end(finalEvent());
    await writerFor(store).begin();
    gate.open();
    await waiting;
    expect(await ended).toBe(false);
  });
});

describe('a run recorder whose store fails', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

  afterEach(() => {
    const timers = vi.getTimerCount();
    vi.useRealTimers();
    if (timers > 0) throw new Error(`${timers} timers are left behind.`);
  });

  it.each<[string, 'before' | 'after', () => never | Promise<never>]>([
    ['is unreachable', 'before', unreachable],
    ['loses its responses', 'after', unreachable],
    [
      'fails slowly',
      'before',
      async () => {
        await new Promise((resolve) => void setTimeout(resolve, 1300));
        return unreachable();
      },
    ],
  ])('neither loses nor repeats events while the store %s for 3 s', async (_what, when, fail) => {
    const { store, log, recorder, lostEvents } = createRecorder();
    const back = performance.now() + 3000;
    store.hooks[when] = () => (performance.now() < back ? fail() : undefined);
    const run = async (): Promise<boolean> => {
      recorder.begin();
      await addAll(recorder, 200);
      return recorder.end(finalEvent());
    };
    const ended = run();
    expect(await timeOf(ended)).toBeLessThan(5000);
    expect(await ended).toBe(true);
    expect(await keptTexts(store)).toEqual([...texts(200), 'final']);
    expect(log.lines).toEqual([]);
    expect(await lostEvents()).toMatchObject({ lost_events: 0 });
  });

  it('retries with pauses that grow to a second', async () => {
    const { store, recorder } = createRecorder();
    store.hooks.before = unreachable;
    void recorder.add(streamEvent());
    await passTime(9990);
    expect(store.calls.length).toBeGreaterThan(10);
    expect(store.calls.length).toBeLessThan(25);
    store.hooks.before = undefined;
    await passTime(1000);
    expect(await recorder.end(finalEvent())).toBe(true);
  });

  it('retries soon after a new failure', async () => {
    const { store, recorder } = createRecorder();
    store.hooks.before = unreachable;
    // Each is written alone: the second right after the first.
    for (const text of ['a', 'b']) void recorder.add(streamEvent(text.repeat(200_000)));
    await passTime(5000);
    store.hooks.before = undefined;
    store.hooks.after = (method) => {
      if (method === 'append') store.hooks.before = unreachable;
    };
    for (let waitedMs = 0; store.appends.length === 0 && waitedMs < 2000; waitedMs += 1) await passTime(1);
    const before = store.appends.length;
    await passTime(400);
    expect(store.appends.length - before).toBeGreaterThan(1);
    store.hooks.before = undefined;
    store.hooks.after = undefined;
    const ended = recorder.end(finalEvent());
    await timeOf(ended);
    expect(await ended).toBe(true);
  });

  it('supersedes an earlier attempt as soon as the store is back, if it was down when the run started', async () => {
    const { store, recorder } = createRecorder();
    await writerFor(store).stream('half an answer');
    store.hooks.before = unreachable;
    recorder.begin();
    await passTime(3000);
    store.hooks.before = undefined;
    await passTime(1000);
    expect((await store.readRun(thread, runId(1)))?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await recorder.end(finalEvent())).toBe(true);
    expect(await keptTexts(store)).toEqual(['half an answer', 'final']);
  });

  it.each<[string, () => void | Promise<void>, string]>([
    ['fails', unreachable, 'StorageError: The storage cannot be reached'],
    [
      'fails after 3 s on each write',
      async () => {
        await new Promise((resolve) => void setTimeout(resolve, 3000));
        unreachable();
      },
      'StorageError: The storage cannot be reached',
    ],
    ['does not respond', () => new Promise<void>(() => undefined), 'no response'],
  ])('waits 10 s in all for a store that %s, and never again', async (_what, fail, reason) => {
    const { store, log, recorder, lostEvents } = createRecorder();
    store.hooks.before = fail;
    recorder.begin();
    const waits: number[] = [];
    for (const text of texts(500)) waits.push(await timeOf(recorder.add(streamEvent(text))));
    expect(waits.filter((wait) => wait > 0)).toHaveLength(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
    expect(log.lines).toEqual([expect.stringMatching(GIVEN_UP)]);
    expect(log.lines[0]).toContain(`because the event store did not accept them: ${reason}`);

    const ended = recorder.end(finalEvent());
    expect(await timeOf(ended)).toBeLessThanOrEqual(4000);
    expect(await ended).toBe(false);
    expect(log.lines.slice(1)).toEqual([
      expect.stringContaining(
        `warn ${WHERE} 501 of the run's 501 events are lost, because the event store did not accept them: `,
      ),
    ]);
    expect(await lostEvents()).toMatchObject({ lost_events: 501 });
    await passTime(5000);
  });

  it('waits 15 s in all for a store that takes 2.5 s per write, and records the end of the run', async () => {
    const { store, health, log, recorder, lostEvents } = createRecorder();
    store.hooks.before = () => new Promise<void>((resolve) => void setTimeout(resolve, 2500));
    recorder.begin();
    let waitedMs = 0;
    for (const text of texts(6000)) waitedMs += await timeOf(recorder.add(streamEvent(text)));
    expect(waitedMs).toBeGreaterThanOrEqual(14_000);
    expect(waitedMs).toBeLessThanOrEqual(15_000);
    expect(log.lines).toEqual([expect.stringMatching(GIVEN_UP)]);
    // The store still responds, but health must say that runs continue without it.
    await passTime(2500);
    expect(health.isGivenUp).toBe(true);
    const ended = recorder.end(finalEvent());
    expect(await timeOf(ended)).toBeLessThanOrEqual(10_000);
    expect(await ended).toBe(true);
    await passTime(2500);
    const kept = await keptTexts(store);
    expect(kept.at(-1)).toBe('final');
    expect(await lostEvents()).toMatchObject({ lost_events: 6001 - kept.length });
  });

  it('waits at most 10 s for a store that fails at the end of the run', async () => {
    const { store, log, recorder, lostEvents } = createRecorder();
    await addAll(recorder, 3);
    await passTime(0);
    store.hooks.before = unreachable;
    const ended = recorder.end(finalEvent());
    expect(await timeOf(ended)).toBeLessThanOrEqual(10_000);
    expect(await ended).toBe(false);
    expect(log.lines).toEqual([expect.stringContaining(`${WHERE} 1 of the run's 4 events are lost`)]);
    expect(await lostEvents()).toMatchObject({ lost_events: 1 });
    await passTime(1000);
    expect(await keptTexts(store)).toEqual(['0', '1', '2']);
  });

  it('does not write events later that it has counted as lost', async () => {
    const { store, recorder } = createRecorder();
    const gate = createGate();
    await addAll(recorder, 1);
    await passTime(0);
    store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
    await addAll(recorder, 10, 1);
    const ended = recorder.end(finalEvent());
    await timeOf(ended);
    gate.open();
    await passTime(5000);
    // The append in flight cannot be stopped.
    expect(await keptTexts(store)).toEqual(['0', '1']);
  });

  it('stores events after an outage, and the last event reports how many are missing', async () => {
    const { store, log, recorder, lostEvents } = createRecorder();
    const back = performance.now() + 20_000;
    store.hooks.before = () => (performance.now() < back ? unreachable() : undefined);
    recorder.begin();
    for (const text of texts(300)) {
      await timeOf(recorder.add(streamEvent(text)));
      await passTime(100);
    }
    expect(performance.now()).toBeGreaterThan(back);
    expect(await recorder.end(finalEvent())).toBe(true);
    const kept = await keptTexts(store);
    const lost = 301 - kept.length;
    expect(kept).toEqual([...texts(300, lost), 'final']);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(150);
    expect(eventsOf(await store.list(thread)).at(-1)).toMatchObject({ event_type: 'final', lost_events: lost });
    expect(await lostEvents()).toMatchObject({ lost_events: lost });
    expect(log.lines).toEqual([
      expect.stringMatching(GIVEN_UP),
      expect.stringContaining(`${WHERE} ${lost} of the run's 301 events are lost`),
    ]);
  });

  it('counts events as stored that the store accepted although its responses were lost for long', async () => {
    const { store, log, recorder, lostEvents } = createRecorder();
    const back = performance.now() + 20_000;
    store.hooks.after = (method) => (method === 'append' && performance.now() < back ? unreachable() : undefined);
    recorder.begin();
    for (const text of texts(200)) {
      await timeOf(recorder.add(streamEvent(text)));
      await passTime(200);
    }
    expect(await recorder.end(finalEvent())).toBe(true);
    expect(await keptTexts(store)).toEqual([...texts(200), 'final']);
    expect(eventsOf(await store.list(thread)).at(-1)).not.toHaveProperty('lost_events');
    expect(await lostEvents()).toMatchObject({ lost_events: 0 });
    expect(log.lines).toEqual([expect.stringMatching(GIVEN_UP)]);
  });

  it('buffers only the last 50 events while the store is down', async () => {
    const { store, recorder } = createRecorder();
    await addAll(recorder, 1);
    await passTime(0);
    store.hooks.before = unreachable;
    for (const text of texts(1000, 1)) await timeOf(recorder.add(streamEvent(text)));
    store.hooks.before = undefined;
    await passTime(1000);
    expect(await keptTexts(store)).toEqual(['0', ...texts(1000, 950)]);
    expect(await recorder.end(finalEvent())).toBe(true);
  });

  it('retries a store that it has given up on once a second, however many events arrive', async () => {
    const { store, recorder } = createRecorder();
    store.hooks.before = unreachable;
    recorder.begin();
    await passTime(10_000);
    const before = store.calls.length;
    for (const text of texts(1000)) {
      await recorder.add(streamEvent(text));
      await passTime(10);
    }
    expect(store.calls.length - before).toBeGreaterThan(8);
    expect(store.calls.length - before).toBeLessThan(22);
    await timeOf(recorder.end(finalEvent()));
    await passTime(1000);
  });

  it('waits for the store again once it is back', async () => {
    const { store, recorder } = createRecorder();
    store.hooks.before = unreachable;
    recorder.begin();
    await addAll(recorder, 10);
    await passTime(11_000);
    store.hooks.before = undefined;
    await passTime(1000);
    const gate = createGate();
    store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
    await addAll(recorder, 51);
    const waiting = recorder.add(streamEvent());
    expect(await hasSettled(waiting)).toBe(false);
    gate.open();
    await waiting;
    expect(await recorder.end(finalEvent())).toBe(true);
  });

  it('retries a store that it has given up on at the end of the run', async () => {
    const { store, recorder, lostEvents } = createRecorder();
    await addAll(recorder, 1);
    await passTime(0);
    store.hooks.before = unreachable;
    void recorder.add(streamEvent('1'));
    await passTime(10_000);
    void recorder.add(streamEvent('2'));
    const ended = recorder.end(finalEvent());
    await passTime(500);
    store.hooks.before = undefined;
    await timeOf(ended);
    expect(await ended).toBe(true);
    expect(await keptTexts(store)).toEqual(['0', '2', 'final']);
    expect(await lostEvents()).toMatchObject({ lost_events: 1 });
  });

  it('retries a store that it is about to give up on at the end of the run', async () => {
    const { store, recorder } = createRecorder();
    store.hooks.before = unreachable;
    void recorder.add(streamEvent('0'));
    await passTime(9990);
    const ended = recorder.end(finalEvent());
    await passTime(100);
    store.hooks.before = undefined;
    expect(await timeOf(ended)).toBeLessThanOrEqual(1010);
    expect(await ended).toBe(true);
    expect(await keptTexts(store)).toEqual(['0', 'final']);
  });

  it('loses only one batch with an event that the store never accepts', async () => {
    const { store, recorder, lostEvents } = createRecorder();
    store.hooks.before = (_method, events) => {
      if (events.some(({ fields }: NewEvent) => fields.includes('"poison"'))) unreachable();
    };
    await addAll(recorder, 3);
    await passTime(0);
    await recorder.add(streamEvent('poison'));
    await recorder.add(streamEvent('poisoned'));
    await passTime(11_000);
    await addAll(recorder, 100, 3);
    const ended = recorder.end(finalEvent());
    await timeOf(ended);
    expect(await ended).toBe(true);
    expect(await keptTexts(store)).toEqual([...texts(100), 'final']);
    expect(await lostEvents()).toMatchObject({ lost_events: 2 });
  });

  it('stores each event once or counts it as lost, whatever happens to the store', async () => {
    const fault = fc.constantFrom('none', 'refuse', 'lose the answer', 'slow', 'slow to refuse');
    const step = fc.record({ fault, events: fc.nat(80), ms: fc.nat(8000) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, isBackAtEnd) => {
        const { store, recorder, lostEvents } = createRecorder();
        let now: string = 'none';
        store.hooks.before = async () => {
          const current = now;
          if (current.startsWith('slow')) await new Promise((resolve) => void setTimeout(resolve, 700));
          if (current.endsWith('refuse')) unreachable();
        };
        store.hooks.after = () => (now === 'lose the answer' ? unreachable() : undefined);
        recorder.begin();
        let count = 0;
        for (const { fault: next, events, ms } of steps) {
          now = next;
          await timeOf(addAll(recorder, count + events, count));
          count += events;
          await passTime(ms);
        }
        if (isBackAtEnd) now = 'none';
        const ended = recorder.end(finalEvent());
        expect(await timeOf(ended)).toBeLessThanOrEqual(10_710);
        const isKept = await ended;
        await passTime(2000);
        const told = (await lostEvents()).lost_events;
        const kept = await keptTexts(store);
        const lost = count + 1 - kept.length;
        const served = eventsOf(await store.list(thread)).at(-1)?.lost_events ?? 0;
        expect(kept).toEqual([...texts(count), 'final'].filter((text) => kept.includes(text)));
        expect(isKept ? [told, served, kept.at(-1)] : [told >= lost, isBackAtEnd]).toEqual(
          // Whether a store has kept unacknowledged events is unknown at the end of the run.
          isKept ? [lost, lost, 'final'] : [true, false],
        );
      }),
      { numRuns: 40 },
    );
  });

  describe('during another run that starts before the store responds', () => {
    it.each([
      ['short', 10, 10_000, 1000],
      ['long', 200, 14_000, 2000],
    ])('waits one second, and another one if the run is long (%s)', async (_what, updates, first, later) => {
      const { store, health, recorder, lostEvents } = createRecorder();
      store.hooks.before = unreachable;
      expect(await timeOfRun(recorder, updates)).toBe(first);
      for (let run = 0; run < 2; run += 1) {
        expect(await timeOfRun(createRecorder(store, health).recorder, updates)).toBe(later);
      }
      expect(await lostEvents()).toMatchObject({ lost_events: 3 * (updates + 1) });
    });

    it('is fully patient again after the store responds to any run', async () => {
      const { store, health, recorder } = createRecorder();
      store.hooks.before = unreachable;
      await timeOfRun(recorder, 10);
      const [one, two] = [createRecorder(store, health).recorder, createRecorder(store, health).recorder];
      store.hooks.before = undefined;
      expect(await timeOfRun(one, 10)).toBe(0);
      store.hooks.before = unreachable;
      expect(await timeOfRun(createRecorder(store, health).recorder, 10)).toBe(10_000);
      store.hooks.before = undefined;
      await timeOfRun(two, 10);
      expect(health.isGivenUp).toBe(false);
    });

    it('is fully patient again after the store accepts an event of the run', async () => {
      const { store, health, recorder } = createRecorder();
      store.hooks.before = unreachable;
      await timeOfRun(recorder, 10);
      const other = createRecorder(store, health).recorder;
      store.hooks.before = undefined;
      await addAll(other, 10);
      await passTime(0);
      store.hooks.before = unreachable;
      expect(await timeOf(other.end(finalEvent()))).toBe(10_000);
      await passTime(1000);
    });
  });

  it('counts events as lost if the store acknowledges them only after the run', async () => {
    const { store, health, log, recorder, lostEvents } = createRecorder();
    const gate = createGate();
    await addAll(recorder, 3);
    await passTime(0);
    store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
    await addAll(recorder, 43, 3);
    await passTime(0);
    const ended = recorder.end(finalEvent());
    await timeOf(ended);
    expect(await ended).toBe(false);
    expect((await health.details()).callback_store.lost_events).toBe(41);
    gate.open();
    await passTime(0);
    expect(await keptTexts(store)).toEqual(texts(4));
    expect(await lostEvents()).toMatchObject({ lost_events: 41 });
    expect(log.lines).toEqual([expect.stringContaining(`${WHERE} 41 of the run's 44 events are lost`)]);
  });

  describe('with errors that no retry can fix', () => {
    it('does not wait, whether it starts or appends', async () => {
      for (const failing of ['beginAttempt', 'append']) {
        const { store, health, log, recorder, lostEvents } = createRecorder();
        store.hooks.before = (method) => (method === failing ? mistake() : undefined);
        recorder.begin();
        expect(await timeOf(addAll(recorder, 200))).toBe(0);
        expect(log.lines).toEqual([expect.stringMatching(GIVEN_UP)]);
        expect(log.lines[0]).toContain('TypeError: There is a mistake in the store.');
        const ended = recorder.end(finalEvent());
        await timeOf(ended);
        expect(await ended).toBe(false);
        expect(await lostEvents()).toMatchObject({ lost_events: 201 });
        // Other threads may be fine.
        expect(health.isGivenUp).toBe(false);
      }
    });

    it('retries nothing, and stores later events', async () => {
      const { store, recorder, lostEvents } = createRecorder();
      let poisoned = 0;
      store.hooks.before = (_method, events) => {
        if (!events.some(({ fields }: NewEvent) => fields.includes('"poison"'))) return;
        poisoned += 1;
        mistake();
      };
      await addAll(recorder, 3);
      await passTime(0);
      await recorder.add(streamEvent('poison'));
      await passTime(1000);
      await addAll(recorder, 6, 3);
      await passTime(0);
      await recorder.add(streamEvent('poison'));
      const ended = recorder.end(finalEvent());
      await timeOf(ended);
      expect(await ended).toBe(true);
      expect(poisoned).toBe(2);
      expect(await keptTexts(store)).toEqual([...texts(6), 'final']);
      expect(await lostEvents()).toMatchObject({ lost_events: 2 });
    });

    it('lets the run end at once if the attempt cannot start', async () => {
      const { store, recorder } = createRecorder();
      store.hooks.before = mistake;
      await passTime(0);
      const ended = recorder.end(finalEvent());
      expect(await timeOf(ended)).toBe(0);
      expect(await ended).toBe(false);
      expect(store.calls).toEqual(['beginAttempt']);
    });
  });
});

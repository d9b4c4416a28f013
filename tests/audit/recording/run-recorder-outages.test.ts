import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventsOf } from '../../support/served-events.js';
import type { NewEvent } from '../../../src/audit/domain/stored-event.js';
import { writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { unreachable } from '../../support/hooked-event-store.js';
import { WHERE, GIVEN_UP, createRecorder, keptTexts, texts, addAll, timeOf, passTime } from './create-recorder.js';

describe('a run recorder whose store fails', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

  afterEach(() => {
    const timers = vi.getTimerCount();
    vi.useRealTimers();
    if (timers > 0) throw new Error(`${timers} timers are still pending.`);
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

  it('loses nothing in a store that takes 6 s for each request', async () => {
    const { store, log, recorder } = createRecorder();
    store.hooks.before = () => new Promise((resolve) => void setTimeout(resolve, 6000));
    recorder.begin();
    for (const text of texts(50)) expect(recorder.add(streamEvent(text))).toBeUndefined();
    await passTime(12_500);
    const ended = recorder.end(finalEvent());
    await timeOf(ended);
    expect(await ended).toBe(true);
    expect(await keptTexts(store)).toEqual([...texts(50), 'final']);
    expect(log.lines).toEqual([]);
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
    // Each is large enough to be written alone. The second write follows the first at once.
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
    // The append in flight cannot be aborted.
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
          // At the end of the run it is unknown whether the store has kept unacknowledged events.
          isKept ? [lost, lost, 'final'] : [true, false],
        );
      }),
      { numRuns: 40 },
    );
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
});

import { describe, expect, it } from 'vitest';
import { writerFor } from '../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { WHERE, createRecorder, keptTexts, texts, addAll, createHeldUp, hasSettled } from './create-recorder.js';

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

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NewEvent } from '../../../src/audit/domain/stored-event.js';
import { finalEvent, streamEvent } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { unreachable } from '../../support/hooked-event-store.js';
import {
  WHERE,
  GIVEN_UP,
  createRecorder,
  keptTexts,
  texts,
  addAll,
  hasSettled,
  timeOf,
  passTime,
  timeOfRun,
  mistake,
} from './create-recorder.js';

describe('a run recorder whose store fails', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

  afterEach(() => {
    const timers = vi.getTimerCount();
    vi.useRealTimers();
    if (timers > 0) throw new Error(`${timers} timers are still pending.`);
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
        // The store may still work for other threads.
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

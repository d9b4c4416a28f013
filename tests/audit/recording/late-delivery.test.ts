import { expect, it, onTestFinished, vi } from 'vitest';
import { eventsOf } from '../../support/served-events.js';
import { RunRecorder } from '../../../src/audit/recording/run-recorder.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { finalEvent, runOf, streamEvent, thread } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { HookedEventStore } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';

it('the audit trail keeps the answer of the newest delivery when an older one reaches the store late', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = new HookedEventStore();
  const options = { store, health: new StoreHealth(store), thread, run: runOf(), log: createRecordingLog() };
  const way = createGate();
  store.hooks.before = () => way.opened;
  const first = new RunRecorder({ ...options, startedAt: '2026-01-07T15:40:00.000Z' });
  first.begin();
  await first.add(streamEvent('old'));

  // After a minute the host redelivers the run to another process that can reach the store.
  vi.advanceTimersByTime(66_000);
  store.hooks.before = undefined;
  const second = new RunRecorder({ ...options, startedAt: '2026-01-07T15:41:06.000Z' });
  second.begin();
  await second.add(streamEvent('new'));
  way.open();
  expect(await first.end(finalEvent('old'))).toBe(false);
  expect(await second.end(finalEvent('new'))).toBe(true);

  expect(eventsOf(await store.list(thread))).toMatchObject([
    { attempt: 1, text: 'new' },
    { attempt: 1, response_text: 'new' },
  ]);
});

import { expect, vi } from 'vitest';
import { eventsOf } from '../../support/served-events.js';
import { RunRecorder } from '../../../src/audit/recording/run-recorder.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../support/callback-events.js';
import { createGate } from '../../support/gate.js';
import { HookedEventStore } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';

/** The prefix of log lines about the run. */
export const WHERE = `[CallbackAgent][${runId(1)}]`;
/** The log line of a run that continues without its store. */
export const GIVEN_UP = new RegExp(
  `^warn \\[CallbackAgent\\]\\[${runId(1)}\\] the run continues without storing its events, `,
);

export function createRecorder(store = new HookedEventStore(), health = new StoreHealth(store)) {
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
export async function keptTexts(store: HookedEventStore): Promise<string[]> {
  store.hooks.before = undefined;
  store.hooks.after = undefined;
  const events = eventsOf(await store.list(thread));
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  return events.map((event) => (event.event_type === 'stream' ? event.text : event.event_type));
}

/** Numbered texts: the first `count` events of a run. */
export function texts(count: number, from = 0): string[] {
  return Array.from({ length: count - from }, (_, index) => `${from + index}`);
}

/** Adds events one after another, as a run does. */
export async function addAll(recorder: RunRecorder, count: number, from = 0): Promise<void> {
  for (const text of texts(count, from)) await recorder.add(streamEvent(text));
}

/** A started attempt in a store whose appends wait for a gate. */
export async function createHeldUp() {
  const parts = createRecorder();
  const gate = createGate();
  parts.recorder.begin();
  await new Promise(setImmediate);
  parts.store.hooks.before = (method) => (method === 'append' ? gate.opened : undefined);
  return { ...parts, open: gate.open };
}

/** Whether a promise settles without the help of a timer. */
export async function hasSettled(work: void | Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  Promise.resolve(work).then(settle, settle);
  await new Promise(setImmediate);
  return settled;
}

/** Advances fake time until a promise settles. @returns the elapsed time in ms */
export async function timeOf(work: void | Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const end = { atMs: Infinity };
  const settled = Promise.resolve(work).finally(() => {
    end.atMs = performance.now();
  });
  for (let passed = 0; end.atMs === Infinity && passed < 60_000; passed += 10) await passTime(10);
  await settled;
  return end.atMs - begun;
}

export async function passTime(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Plays a run with this many updates. @returns how long it waited for the store, in ms */
export async function timeOfRun(recorder: RunRecorder, updates: number): Promise<number> {
  recorder.begin();
  const time = await timeOf(addAll(recorder, updates).then(() => recorder.end(finalEvent())));
  // Lets the last pause of the writer end.
  await passTime(1000);
  return time;
}

/** A hook that fails with an error that no retry can fix. */
export function mistake(): never {
  throw new TypeError('There is a mistake in the store.');
}

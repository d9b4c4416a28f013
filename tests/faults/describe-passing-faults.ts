import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import { expectNoLossTold, findingsOn } from './check-run.js';
import {
  blackHoles,
  cuts,
  delays,
  lostAnswers,
  makeFaults,
  overload,
  refusals,
  type RepeatedFault,
  resets,
} from './fault-maker.js';
import { readAgainAndAgain } from './fault-reader.js';
import { RecordedRun } from './recorded-run.js';
import { SeededRandom } from './seeded-random.js';
import { type FaultyService, type NewRun, newRun, ServiceConnection } from './service-connection.js';

/** Generous: a busy machine must not look like an unreachable store. */
const PATIENCE_MS = 40_000;
/** Not a timing check: detects hangs. */
const MAX_STALL_MS = 30_000;
const TEST_TIMEOUT_MS = 60_000;

/** Faults that end before the writer gives up: nothing may be lost. */
export function describePassingFaults(service: () => FaultyService, { isHttp }: { readonly isHttp: boolean }): void {
  const faults: [string, RepeatedFault][] = [
    ['is slow', delays],
    ['is cut repeatedly', cuts],
    ['is reset repeatedly', resets],
    ['loses answers', lostAnswers],
    ['swallows everything now and then', blackHoles],
    ['is refused now and then', refusals],
  ];
  if (isHttp) faults.push(['leads to an overloaded service now and then', overload]);

  describe.concurrent('keeps every event of a run exactly once and in order, even after a redelivery', () => {
    it.each(faults)(
      'while the connection %s',
      async (_what, fault) => {
        const random = new SeededRandom();
        const connection = await ServiceConnection.open(service());
        try {
          const [once, twice] = [newRun(), newRun()];
          const [store, patienceMs] = [connection.createStore(), PATIENCE_MS];
          const run = new RecordedRun({ store, patienceMs, ...once, name: 'only' });
          const zombie = new RecordedRun({ store, patienceMs, ...twice, name: 'zombie' });
          const successor = new RecordedRun({
            store: connection.createStore(),
            patienceMs,
            ...twice,
            name: 'successor',
          });
          const ended = new AbortController();

          const faultsMade = makeFaults(connection.proxy, fault, random, ended.signal);
          const reader = readAgainAndAgain(connection.createStore(), once.thread, ended.signal);
          const takeOver = async (): Promise<void> => {
            await vi.waitFor(() => expectBegun(connection.direct, twice), { timeout: MAX_STALL_MS, interval: 10 });
            await delay(random.between(0, 700));
            await successor.play();
          };
          await Promise.all([run.play(), zombie.play(), takeOver()]);
          ended.abort();
          await faultsMade;

          const whole = { problems: [], missing: 0 };
          expect(await findingsOn(connection.direct, once.thread, [run])).toEqual(whole);
          expect(await findingsOn(connection.direct, twice.thread, [zombie, successor])).toEqual(whole);
          for (const each of [run, zombie, successor]) {
            await expectNoLossTold(each);
            expect(each.longestStallMs).toBeLessThan(MAX_STALL_MS);
          }
          expect(await reader).toEqual([]);
        } catch (error) {
          throw new Error(`The faults were made with FAULT_SEED=${random.seed}.`, { cause: error });
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'while each request takes 0.8 s',
      async () => {
        const connection = await ServiceConnection.open(service());
        try {
          await connection.proxy.setFault({ kind: 'delay', requestMs: 400, answerMs: 400 });
          const { thread, correlationId } = newRun();
          // With the patience of the app: the store may acknowledge nothing for 10 s.
          const run = new RecordedRun({ store: connection.createStore(), thread, correlationId, name: 'only' });
          await run.play();
          expect(await findingsOn(connection.direct, thread, [run])).toEqual({ problems: [], missing: 0 });
          await expectNoLossTold(run);
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'while answers to writes are lost repeatedly',
      async () => {
        const connection = await ServiceConnection.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { thread, correlationId, name: 'only', patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ store: connection.createStore(), ...options });
          let faultCount = 0;
          await run.play(async (index) => {
            // The next fault must not replace one that has not hit an answer yet.
            if (index % 10 !== 0 || connection.proxy.lostAnswers < faultCount) return;
            faultCount += 1;
            await connection.proxy.setFault({ kind: 'lose-answers', count: 1 });
          });
          expect(connection.proxy.lostAnswers).toBeGreaterThan(2);
          expect(await findingsOn(connection.direct, thread, [run])).toEqual({ problems: [], missing: 0 });
          await expectNoLossTold(run);
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
}

async function expectBegun(store: CallbackEventStore, { thread, correlationId }: NewRun): Promise<void> {
  expect((await store.readRun(thread, correlationId))?.attempts).toHaveLength(1);
}

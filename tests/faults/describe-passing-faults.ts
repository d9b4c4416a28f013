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
import { type FaultyService, type NewRun, newRun, WayToService } from './way-to-service.js';

/** A machine that is busy is no store that is gone. */
const PATIENCE_MS = 40_000;
/** Nothing is timed here: it finds what hangs. */
const MAX_STALL_MS = 30_000;
const TEST_TIMEOUT_MS = 60_000;

/** Faults that are over before a writer gives up: nothing may be lost. */
export function describePassingFaults(service: () => FaultyService, { isHttp }: { readonly isHttp: boolean }): void {
  const faults: [string, RepeatedFault][] = [
    ['late', delays],
    ['cut again and again', cuts],
    ['reset again and again', resets],
    ['losing answers', lostAnswers],
    ['a black hole now and then', blackHoles],
    ['closed now and then', refusals],
  ];
  if (isHttp) faults.push(['overloaded now and then', overload]);

  describe.concurrent('keeps every event of a run once and in order, also when it is delivered again', () => {
    it.each(faults)(
      'while the way is %s',
      async (_what, fault) => {
        const random = new SeededRandom();
        const way = await WayToService.open(service());
        try {
          const [once, twice] = [newRun(), newRun()];
          const [store, patienceMs] = [way.createStore(), PATIENCE_MS];
          const run = new RecordedRun({ store, patienceMs, ...once, name: 'only' });
          const zombie = new RecordedRun({ store, patienceMs, ...twice, name: 'zombie' });
          const successor = new RecordedRun({ store: way.createStore(), patienceMs, ...twice, name: 'successor' });
          const ended = new AbortController();

          const faultsMade = makeFaults(way.proxy, fault, random, ended.signal);
          const reader = readAgainAndAgain(way.createStore(), once.thread, ended.signal);
          const takeOver = async (): Promise<void> => {
            await vi.waitFor(() => expectBegun(way.direct, twice), { timeout: MAX_STALL_MS, interval: 10 });
            await delay(random.between(0, 700));
            await successor.play();
          };
          await Promise.all([run.play(), zombie.play(), takeOver()]);
          ended.abort();
          await faultsMade;

          const whole = { problems: [], missing: 0 };
          expect(await findingsOn(way.direct, once.thread, [run])).toEqual(whole);
          expect(await findingsOn(way.direct, twice.thread, [zombie, successor])).toEqual(whole);
          for (const each of [run, zombie, successor]) {
            await expectNoLossTold(each);
            expect(each.longestStallMs).toBeLessThan(MAX_STALL_MS);
          }
          const { reads, refusals: refusedReads, problems } = await reader;
          expect(problems).toEqual([]);
          expect(reads).toBeGreaterThan(refusedReads);
        } catch (error) {
          throw new Error(`The faults were made with FAULT_SEED=${random.seed}.`, { cause: error });
        } finally {
          await way.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'while answers to changes are lost again and again',
      async () => {
        const way = await WayToService.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { thread, correlationId, name: 'only', patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ store: way.createStore(), ...options });
          let faultCount = 0;
          await run.play(async (index) => {
            // One that has not met an answer yet is not to be replaced by the next.
            if (index % 10 !== 0 || way.proxy.lostAnswers < faultCount) return;
            faultCount += 1;
            await way.proxy.setFault({ kind: 'lose-answers', count: 1 });
          });
          expect(way.proxy.lostAnswers).toBeGreaterThan(2);
          expect(await findingsOn(way.direct, thread, [run])).toEqual({ problems: [], missing: 0 });
          await expectNoLossTold(run);
        } finally {
          await way.close();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
}

async function expectBegun(store: CallbackEventStore, { thread, correlationId }: NewRun): Promise<void> {
  expect((await store.readRun(thread, correlationId))?.attempts).toHaveLength(1);
}

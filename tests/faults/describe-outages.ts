import { describe, expect, it, vi } from 'vitest';
import type { Fault } from '../support/fault.js';
import { expectLossTold, findingsOn } from './check-run.js';
import { PIECES, RecordedRun } from './recorded-run.js';
import { SeededRandom } from './seeded-random.js';
import { type FaultyService, newRun, WayToService } from './way-to-service.js';

const PATIENCE_MS = 500;
/** Of a run that has given the store up; it finds what hangs. */
const MAX_STALL_MS = 10_000;
/** Nothing is timed: by then a request has failed that nobody answers. */
const ANSWERED_WITHIN_MS = 15_000;
const TEST_TIMEOUT_MS = 60_000;

/** Faults that last longer than a writer is patient: what is lost has to be told, to the last event. */
export function describeOutages(service: () => FaultyService, { isHttp }: { readonly isHttp: boolean }): void {
  const outages: [string, Fault][] = [
    ['swallows everything', { kind: 'black-hole' }],
    ['is closed', { kind: 'refuse' }],
    ['brings no answers', { kind: 'lose-answers' }],
  ];
  if (isHttp) outages.push(['is overloaded', { kind: 'answer', status: 503, retryAfterSeconds: 30 }]);

  describe.concurrent('lets a run go on that it cannot keep', () => {
    it.each(outages)(
      'and says what is missing, when the way %s for too long',
      async (_what, fault) => {
        const random = new SeededRandom();
        // Longer than what may wait, so that the run itself has to wait for the end of the patience.
        const [begin, end] = [random.between(0, 40), random.between(150, 160)];
        const way = await WayToService.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { store: way.createStore(), thread, correlationId, patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ ...options, name: 'only' });
          await run.play(async (index) => {
            if (index === begin) await way.proxy.setFault(fault);
            if (index === end) await way.proxy.setFault({ kind: 'none' });
          });

          await expectOnceAllIsAnswered(async () => {
            const { problems, missing } = await findingsOn(way.direct, thread, [run]);
            expect(problems).toEqual([]);
            expect(missing).toBeGreaterThan(0);
            expect(missing).toBeLessThan(PIECES);
            await expectLossTold(run, missing);
          });
          expect(run.longestStallMs).toBeLessThan(MAX_STALL_MS);
        } catch (error) {
          throw new Error(`The outage was made with FAULT_SEED=${random.seed}.`, { cause: error });
        } finally {
          await way.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it.each(outages.filter(([, { kind }]) => kind !== 'lose-answers'))(
      'and says so, when the way %s to the end',
      async (_what, fault) => {
        const way = await WayToService.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { store: way.createStore(), thread, correlationId, patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ ...options, name: 'only' });
          await run.play(async (index) => {
            if (index === 50) await way.proxy.setFault(fault);
          });
          await way.proxy.setFault({ kind: 'none' });

          await expectOnceAllIsAnswered(async () => {
            const { problems, missing } = await findingsOn(way.direct, thread, [run]);
            expect(problems).toEqual([]);
            expect(missing).toBeGreaterThan(100);
            await expectLossTold(run, missing);
          });
        } finally {
          await way.close();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
}

/** What was under way as a run ended may be kept, and told, a little later. */
async function expectOnceAllIsAnswered(expectations: () => Promise<void>): Promise<void> {
  await vi.waitFor(expectations, { timeout: ANSWERED_WITHIN_MS });
}

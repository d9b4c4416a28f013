import { describe, expect, it, vi } from 'vitest';
import type { Fault } from '../support/fault.js';
import { expectLossTold, findingsOn } from './check-run.js';
import { PIECES, RecordedRun } from './recorded-run.js';
import { SeededRandom } from './seeded-random.js';
import { type FaultyService, newRun, ServiceConnection } from './service-connection.js';

const PATIENCE_MS = 500;
/** Maximum delay of a run that has given up on the store. Detects hangs. */
const MAX_STALL_MS = 10_000;
/** Not a timing check: unanswered requests fail before this. */
const ANSWERED_WITHIN_MS = 15_000;
const TEST_TIMEOUT_MS = 60_000;

/** Faults that outlast the writer's patience: every lost event must be reported. */
export function describeOutages(service: () => FaultyService, { isHttp }: { readonly isHttp: boolean }): void {
  const outages: [string, Fault][] = [
    ['swallows everything', { kind: 'black-hole' }],
    ['is refused', { kind: 'refuse' }],
    ['loses all answers', { kind: 'lose-answers' }],
  ];
  if (isHttp) outages.push(['leads to an overloaded service', { kind: 'answer', status: 503, retryAfterSeconds: 30 }]);

  describe.concurrent('lets a run continue while its events cannot be stored', () => {
    it.each(outages)(
      'and reports the lost events if the connection %s for too long',
      async (_what, fault) => {
        const random = new SeededRandom();
        // Exceeds the buffer, so that the run itself waits until the recorder gives up.
        const [begin, end] = [random.between(0, 40), random.between(150, 160)];
        const connection = await ServiceConnection.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { store: connection.createStore(), thread, correlationId, patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ ...options, name: 'only' });
          await run.play(async (index) => {
            if (index === begin) await connection.proxy.setFault(fault);
            if (index === end) await connection.proxy.setFault({ kind: 'none' });
          });

          await expectOnceAllIsAnswered(async () => {
            const { problems, missing } = await findingsOn(connection.direct, thread, [run]);
            expect(problems).toEqual([]);
            expect(missing).toBeGreaterThan(0);
            expect(missing).toBeLessThan(PIECES);
            await expectLossTold(run, missing);
          });
          expect(run.longestStallMs).toBeLessThan(MAX_STALL_MS);
        } catch (error) {
          throw new Error(`The outage was made with FAULT_SEED=${random.seed}.`, { cause: error });
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it.each(outages.filter(([, { kind }]) => kind !== 'lose-answers'))(
      'and reports the lost events if the connection %s until the run ends',
      async (_what, fault) => {
        const connection = await ServiceConnection.open(service());
        try {
          const { thread, correlationId } = newRun();
          const options = { store: connection.createStore(), thread, correlationId, patienceMs: PATIENCE_MS };
          const run = new RecordedRun({ ...options, name: 'only' });
          await run.play(async (index) => {
            if (index === 50) await connection.proxy.setFault(fault);
          });
          await connection.proxy.setFault({ kind: 'none' });

          await expectOnceAllIsAnswered(async () => {
            const { problems, missing } = await findingsOn(connection.direct, thread, [run]);
            expect(problems).toEqual([]);
            expect(missing).toBeGreaterThan(100);
            await expectLossTold(run, missing);
          });
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
}

/** Events in flight when a run ends may be stored and reported a little later. */
async function expectOnceAllIsAnswered(expectations: () => Promise<void>): Promise<void> {
  await vi.waitFor(expectations, { timeout: ANSWERED_WITHIN_MS });
}

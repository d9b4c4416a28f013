import { BenchApp } from './bench-app.js';
import { withStore } from './bench-store.js';
import { atMost, type Figure, median } from './figure.js';

const ROUNDS = 6;
const MESSAGE = 'chunks=200 pauseMs=10';

/** Measures the time that a durable store adds to a run, alternating with the memory store. */
export function benchStoreRunLatency(): Promise<Figure[]> {
  return withStore('table', (table) =>
    withStore('redis', async (redis) => {
      const apps: BenchApp[] = [];
      try {
        for (const settings of [undefined, table.environment(), redis.environment()]) {
          apps.push(await BenchApp.start(settings));
        }
        const added = await addedTotals(apps);
        return [table, redis].map(({ title }, index) =>
          atMost(
            `200 chunks, 10 ms apart: run total with ${title} minus with memory`,
            median(added[index] ?? []),
            'ms',
            15,
          ),
        );
      } finally {
        for (const app of apps) await app.stop();
      }
    }),
  );
}

/** @returns for each app but the first: the extra time of a run compared with the first, in milliseconds, by round */
async function addedTotals(apps: readonly BenchApp[]): Promise<number[][]> {
  const added: number[][] = apps.slice(1).map(() => []);
  for (let round = -1; round < ROUNDS; round += 1) {
    const totals = await totalsOf(apps, round);
    if (round < 0) continue; // warming up
    for (const [index, values] of added.entries()) values.push((totals[index + 1] ?? 0) - (totals[0] ?? 0));
  }
  return added;
}

/** Makes one run in each app, in an order that changes with each round. */
async function totalsOf(apps: readonly BenchApp[], round: number): Promise<number[]> {
  const totals: number[] = [];
  for (let turn = 0; turn < apps.length; turn += 1) {
    const index = (turn + round + 1) % apps.length;
    const start = performance.now();
    await apps[index]?.run(`store-run-${round}`, MESSAGE);
    totals[index] = performance.now() - start;
  }
  return totals;
}

import type { BenchApp } from './bench-app.js';
import { directCaller } from './direct-caller.js';
import { atMost, type Figure, median } from './figure.js';

/** Measures the latency that the app adds: alternates between direct answers of the model and runs. */
export async function benchRunLatency(app: BenchApp): Promise<Figure[]> {
  const direct = directCaller(app.modelUrl);

  const run = async (threadId: string, message: string): Promise<number> => {
    const start = performance.now();
    await app.run(threadId, message);
    return performance.now() - start;
  };

  const firstEvent = async (threadId: string, message: string): Promise<number> => {
    const start = performance.now();
    await app.run(threadId, message, false);
    while ((await app.events(threadId)).length === 0);
    const firstMs = performance.now() - start;
    while ((await app.events(threadId)).at(-1)?.event_type !== 'final');
    return firstMs;
  };

  const figures: Figure[] = [];
  for (const { name, message, rounds } of [
    { name: '200 chunks at once', message: 'chunks=200', rounds: 20 },
    { name: '200 chunks, 10 ms apart', message: 'chunks=200 pauseMs=10', rounds: 8 },
  ]) {
    const addedTotals: number[] = [];
    const addedFirsts: number[] = [];
    for (let round = -2; round < rounds; round += 1) {
      const { firstMs, totalMs } = await direct(message);
      const runMs = await run(`${name}-run-${round}`.replaceAll(/[ ,]/g, '-'), message);
      const firstEventMs = await firstEvent(`${name}-first-${round}`.replaceAll(/[ ,]/g, '-'), message);
      if (round < 0) continue; // warming up
      addedTotals.push(runMs - totalMs);
      addedFirsts.push(firstEventMs - firstMs);
    }
    figures.push(atMost(`${name}: run total minus direct total`, median(addedTotals), 'ms', 8, 4));
    figures.push(atMost(`${name}: first event readable minus direct first chunk`, median(addedFirsts), 'ms', 6));
  }
  return figures;
}

import type { BenchApp } from './bench-app.js';
import { directCaller } from './direct-caller.js';
import { atMost, type Figure, median } from './figure.js';

const ROUNDS = 20;
const MESSAGE = 'chunks=50 pauseMs=10';

/** Measures the latency that the app adds for a caller who streams the run, alternating with direct calls. */
export async function benchStreamLatency(app: BenchApp): Promise<Figure[]> {
  const direct = directCaller(app.modelUrl);
  const addedFirsts: number[] = [];
  const addedFinals: number[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    const { firstMs, totalMs } = await direct(MESSAGE);
    const streamed = await app.streamRun(`stream-latency-${round}`, MESSAGE);
    if (round < 0) continue; // warming up
    addedFirsts.push(streamed.firstMs - firstMs);
    addedFinals.push(streamed.finalMs - totalMs);
  }
  return [
    atMost('50 chunks, 10 ms apart: first SSE event minus direct first chunk', median(addedFirsts), 'ms', 5, 2),
    atMost('50 chunks, 10 ms apart: SSE final minus direct total', median(addedFinals), 'ms', 5),
  ];
}

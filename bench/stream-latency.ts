import type { BenchApp } from './bench-app.js';
import { directCaller } from './direct-caller.js';
import { atMost, type Figure, median } from './figure.js';

const ROUNDS = 20;
const MESSAGE = 'chunks=50 pauseMs=10 stamped';

/**
 * Measures the latency that the app adds for a caller who streams the run. Alternates with direct calls, and with bare
 * runs on the same host.
 */
export async function benchStreamLatency(app: BenchApp): Promise<Figure[]> {
  const direct = directCaller(app.modelUrl);
  const added: { first: number; bareFirst: number; firstAfterModel: number; final: number; bareFinal: number }[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    const { firstMs, totalMs } = await direct(MESSAGE);
    const bare = await app.streamBareRun(`bare-${round}`, MESSAGE);
    const streamed = await app.streamRun(`stream-latency-${round}`, MESSAGE);
    if (round < 0) continue; // warming up
    added.push({
      first: streamed.firstMs - firstMs,
      bareFirst: bare.firstMs - firstMs,
      firstAfterModel: streamed.firstAfterModelMs,
      final: streamed.finalMs - totalMs,
      bareFinal: bare.finalMs - totalMs,
    });
  }
  const medianOf = (name: keyof (typeof added)[number]): number => median(added.map((round) => round[name]));
  const paced = '50 chunks, 10 ms apart';
  const bare = 'the same from a bare entity, which only streams the model';
  return [
    atMost(`${paced}: first SSE event minus the model's first chunk`, medianOf('firstAfterModel'), 'ms', 4, 2.6),
    atMost(`${paced}: first SSE event minus direct first chunk`, medianOf('first'), 'ms', 5, 2),
    { name: `${bare}: first SSE event minus direct first chunk`, measured: `${medianOf('bareFirst').toFixed(1)} ms` },
    atMost(`${paced}: SSE final minus direct total`, medianOf('final'), 'ms', 5),
    { name: `${bare}: SSE final minus direct total`, measured: `${medianOf('bareFinal').toFixed(1)} ms` },
  ];
}

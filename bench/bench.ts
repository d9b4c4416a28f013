import os from 'node:os';
import { BenchApp } from './bench-app.js';
import { benchCallbackCost } from './callback-cost.js';
import { type Figure, toTable } from './figure.js';
import { benchGetEvents } from './get-events.js';
import { benchStart, benchStoreMemory } from './in-own-process.js';
import { benchPollNearEnd } from './poll-near-end.js';
import { benchRunLatency } from './run-latency.js';
import { benchStreamLatency } from './stream-latency.js';
import { benchStreamReaders } from './stream-readers.js';

const LIMIT_MS = 5 * 60_000;

async function main(): Promise<void> {
  const limit = setTimeout(() => {
    process.stderr.write('The benches took longer than 5 minutes and were ended.\n');
    process.exit(1);
  }, LIMIT_MS);
  const figures: Figure[] = [];
  const app = await BenchApp.start();
  try {
    for (const bench of [benchRunLatency, benchStreamLatency, benchGetEvents, benchPollNearEnd, benchStreamReaders])
      figures.push(...(await bench(app)));
  } finally {
    await app.stop();
  }
  for (const bench of [benchCallbackCost, benchStoreMemory, benchStart]) figures.push(...(await bench()));
  clearTimeout(limit);
  const [cpu] = os.cpus();
  process.stdout.write(
    `${os.type()}, Node ${process.version}, ${os.cpus().length} cores (${cpu?.model ?? 'unknown'})\n\n${toTable(figures)}\n`,
  );
}

void main();

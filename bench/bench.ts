import os from 'node:os';
import { benchAcrossProcesses } from './across-processes.js';
import { benchAppendRate } from './append-rate.js';
import { BenchApp } from './bench-app.js';
import { benchCallbackCost } from './callback-cost.js';
import { type Figure, toTable } from './figure.js';
import { benchDashboardOpen } from './dashboard-open.js';
import { benchGetEvents } from './get-events.js';
import { benchStart, benchStoreMemory } from './in-own-process.js';
import { benchIdleReaders } from './idle-readers.js';
import { benchLongThread } from './long-thread.js';
import { benchPageDepth } from './page-depth.js';
import { benchPollNearEnd } from './poll-near-end.js';
import { benchRedactionCost } from './redaction-cost.js';
import { benchRunLatency } from './run-latency.js';
import { benchSpanCost } from './span-cost.js';
import { benchStoreOutage } from './store-outage.js';
import { benchStoreRunLatency } from './store-run-latency.js';
import { benchStreamLatency } from './stream-latency.js';
import { benchStreamReaders } from './stream-readers.js';
import { benchUpdateCost } from './update-cost.js';

const LIMIT_MS = 20 * 60_000;

type Benches<Parameters extends readonly unknown[]> = Readonly<
  Record<string, (...parameters: Parameters) => Promise<Figure[]>>
>;

/** Benches that run in one app, one after the other, by their names on the command line. */
const appBenches: Benches<[app: BenchApp]> = {
  'run-latency': benchRunLatency,
  'stream-latency': benchStreamLatency,
  'get-events': benchGetEvents,
  'poll-near-end': benchPollNearEnd,
  'stream-readers': benchStreamReaders,
  'dashboard-open': benchDashboardOpen,
};

const otherBenches: Benches<[]> = {
  'update-cost': benchUpdateCost,
  'callback-cost': benchCallbackCost,
  'redaction-cost': benchRedactionCost,
  'span-cost': benchSpanCost,
  'store-memory': benchStoreMemory,
  start: benchStart,
  'append-rate': benchAppendRate,
  'store-run-latency': benchStoreRunLatency,
  'long-thread': benchLongThread,
  'idle-readers': benchIdleReaders,
  'page-depth': benchPageDepth,
  'across-processes': benchAcrossProcesses,
  'store-outage': benchStoreOutage,
};

/** @param names - names of the benches to run; empty for all */
async function main(names: readonly string[]): Promise<void> {
  const known = [...Object.keys(appBenches), ...Object.keys(otherBenches)];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`No such bench: ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  const limit = setTimeout(() => {
    process.stderr.write(`The benches took longer than ${LIMIT_MS / 60_000} minutes and were ended.\n`);
    process.exit(1);
  }, LIMIT_MS);
  const figures = [...(await runInApp(chosen(appBenches, names))), ...(await run(chosen(otherBenches, names)))];
  clearTimeout(limit);
  const [cpu] = os.cpus();
  process.stdout.write(
    `${os.type()}, Node ${process.version}, ${os.cpus().length} cores (${cpu?.model ?? 'unknown'})\n\n${toTable(figures)}\n`,
  );
}

function chosen<Parameters extends readonly unknown[]>(
  benches: Benches<Parameters>,
  names: readonly string[],
): Benches<Parameters> {
  const entries = Object.entries(benches).filter(([name]) => names.length === 0 || names.includes(name));
  return Object.fromEntries(entries);
}

async function runInApp(benches: Benches<[app: BenchApp]>): Promise<Figure[]> {
  if (Object.keys(benches).length === 0) return [];
  const app = await BenchApp.start();
  try {
    return await run(benches, app);
  } finally {
    await app.stop();
  }
}

async function run<Parameters extends readonly unknown[]>(
  benches: Benches<Parameters>,
  ...parameters: Parameters
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    const start = performance.now();
    figures.push(...(await bench(...parameters)));
    process.stderr.write(`${name}: ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  }
  return figures;
}

void main(process.argv.slice(2));

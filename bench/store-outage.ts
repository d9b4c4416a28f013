import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../tests/support/fault.js';
import { startFaultProxy } from '../tests/support/fault-proxy.js';
import { BenchApp } from './bench-app.js';
import { type BenchStore, withStore } from './bench-store.js';
import { atMost, type Figure } from './figure.js';

const BYTES_PER_MIB = 1024 * 1024;
const THREADS = 50;
/** Runs of a thread, one after the other. */
const RUNS_PER_THREAD = 2;
const UPDATES = 200;
const PAUSE_MS = 30;
const SAMPLE_EVERY_MS = 500;

/** Growth of an app's used memory since before the load, in MiB, after garbage collection. */
interface Growth {
  readonly atMost: number;
  readonly afterwards: number;
}

/** Measures the memory cost of an unreachable store, compared with the same load on a reachable one. */
export function benchStoreOutage(): Promise<Figure[]> {
  return withStore('table', async (store) => {
    const present = await growthUnder(store, { kind: 'none' });
    const [refusing, silent] = await Promise.all([
      growthUnder(store, { kind: 'refuse' }),
      growthUnder(store, { kind: 'black-hole' }),
    ]);
    const load = `${THREADS * RUNS_PER_THREAD} runs of ${UPDATES} updates, ${THREADS} at once`;
    return [
      { name: `${load}: growth of the app's memory at most, table (Azurite)`, measured: describe(present) },
      toFigure(`${load}: the same while the store refuses, in addition`, refusing, present),
      toFigure(`${load}: the same while the store gives no answer, in addition`, silent, present),
    ];
  });
}

function toFigure(name: string, down: Growth, present: Growth): Figure {
  const figure = atMost(name, down.atMost - present.atMost, 'MiB', 32);
  return { ...figure, measured: `${figure.measured} (${describe(down)})` };
}

function describe(growth: Growth): string {
  return `${growth.atMost.toFixed(1)} MiB, ${growth.afterwards.toFixed(1)} MiB afterwards`;
}

async function growthUnder(store: BenchStore, fault: Fault): Promise<Growth> {
  const proxy = await startFaultProxy(store.port);
  const app = await BenchApp.start(store.environment(proxy.port));
  try {
    await app.run('warm-up', `chunks=${UPDATES}`);
    const before = await app.memory();
    await proxy.setFault(fault);
    const loaded = new AbortController();
    const peak = peakUsed(app, loaded.signal);
    const threads = Array.from({ length: THREADS }, (_, index) => `outage-${fault.kind}-${index}`);
    await Promise.all(threads.map((thread) => runInTurn(app, thread))).finally(() => loaded.abort());
    const peakBytes = await peak;
    const after = await app.memory();
    return {
      atMost: (peakBytes - before.used) / BYTES_PER_MIB,
      afterwards: (after.used - before.used) / BYTES_PER_MIB,
    };
  } finally {
    await app.stop();
    await proxy.close();
  }
}

async function runInTurn(app: BenchApp, thread: string): Promise<void> {
  for (let run = 0; run < RUNS_PER_THREAD; run += 1) {
    await app.runOrTimeOut(thread, `chunks=${UPDATES} pauseMs=${PAUSE_MS}`);
  }
}

async function peakUsed(app: BenchApp, ended: AbortSignal): Promise<number> {
  let peak = 0;
  while (!ended.aborted) {
    peak = Math.max(peak, (await app.memory()).used);
    await delay(SAMPLE_EVERY_MS);
  }
  return peak;
}

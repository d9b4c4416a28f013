import { setTimeout as delay } from 'node:timers/promises';
import { BenchApp } from './bench-app.js';
import { type BenchStore, STORE_KINDS, withStore } from './bench-store.js';
import { atMost, type Figure, percentile } from './figure.js';
import { startReaders } from './readers.js';

const TARGET_MS = { table: 300, redis: 30 };
const RUNS = 3;
const IDLE_THREADS = 10;
/** By then, the polling interval for changes of other processes is at its maximum. */
const SILENCE_MS = 6000;

/** Measures the latency of an event for a reader at another host, which has its own task hub but shares the store. */
export async function benchAcrossProcesses(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of STORE_KINDS) figures.push(...(await withStore(kind, measure)));
  return figures;
}

async function measure({ kind, title, environment }: BenchStore): Promise<Figure[]> {
  const apps: BenchApp[] = [];
  try {
    apps.push(await BenchApp.start(environment()));
    apps.push(await BenchApp.start(environment()));
    const [writer, other] = apps as [BenchApp, BenchApp];
    const busyMs = await whileStreaming(writer, other);
    const quietMs = await afterSilence(writer, other);
    const name = `event → SSE reader at another host, ${title}`;
    return [
      atMost(`${name}: p50`, percentile(busyMs, 0.5), 'ms', TARGET_MS[kind]),
      atMost(`${name}: p99`, percentile(busyMs, 0.99), 'ms', TARGET_MS[kind]),
      atMost(`${name}, after ${SILENCE_MS / 1000} s of silence: p50`, percentile(quietMs, 0.5), 'ms', TARGET_MS[kind]),
      atMost(`${name}, after ${SILENCE_MS / 1000} s of silence: slowest`, Math.max(...quietMs), 'ms', TARGET_MS[kind]),
    ];
  } finally {
    for (const app of apps) await app.stop();
  }
}

async function whileStreaming(writer: BenchApp, other: BenchApp): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const thread = `across-${run}`;
    const readers = await startReaders([`${other.eventsUrl(thread)}/stream`]);
    await writer.run(thread, 'chunks=200 pauseMs=10', false);
    latenciesMs.push(...(await readers.seen).latenciesMs);
  }
  return latenciesMs;
}

/** Measures runs whose model is silent at first, so that readers have long seen their acceptance. */
async function afterSilence(writer: BenchApp, other: BenchApp): Promise<number[]> {
  const threads = Array.from({ length: IDLE_THREADS }, (_, index) => `across-idle-${index}`);
  const readers = await startReaders(threads.map((thread) => `${other.eventsUrl(thread)}/stream`));
  for (const thread of threads) {
    await writer.run(thread, `chunks=1 pauseMs=${SILENCE_MS}`, false);
    // At a random time within the polling interval.
    await delay(Math.random() * 100);
  }
  return [...(await readers.seen).latenciesMs];
}

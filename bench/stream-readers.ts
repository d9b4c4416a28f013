import { setTimeout as delay } from 'node:timers/promises';
import type { BenchApp } from './bench-app.js';
import { atMost, type Figure, percentile } from './figure.js';
import { startReaders } from './readers.js';

const BYTES_PER_KIB = 1024;
const MANY_THREADS = 50;

interface Audience {
  readonly name: string;
  readonly threadCount: number;
  readonly readerCount: number;
  /** Of each thread's run. */
  readonly chunks: number;
  readonly pauseMs: number;
}

interface Seen {
  readonly lost: number;
  readonly latenciesMs: readonly number[];
  /** In the middle of the runs. */
  readonly residentBytes: number;
}

/** How long an event takes to those who follow its thread, and what they cost. */
export async function benchStreamReaders(app: BenchApp): Promise<Figure[]> {
  const hundred = await follow(app, { name: 'hundred', threadCount: 1, readerCount: 100, chunks: 300, pauseMs: 10 });
  const crowd = { threadCount: MANY_THREADS, pauseMs: 100, chunks: 80 };
  const few = await follow(app, { ...crowd, name: 'few', readerCount: 200 });
  const many = await follow(app, { ...crowd, name: 'many', readerCount: 1000 });
  const slope = (many.residentBytes - few.residentBytes) / (1000 - 200) / BYTES_PER_KIB;
  return [
    atMost('event → 100 SSE readers of a thread, 100 events/s: p50', percentile(hundred.latenciesMs, 0.5), 'ms', 10),
    atMost('event → 100 SSE readers of a thread, 100 events/s: p99', percentile(hundred.latenciesMs, 0.99), 'ms', 50),
    atMost('1,000 SSE readers of 50 threads, 10 events/s each: lost', many.lost + few.lost + hundred.lost, 'events', 0),
    atMost('1,000 SSE readers of 50 threads, 10 events/s each: p99', percentile(many.latenciesMs, 0.99), 'ms', 100),
    atMost('memory for each further SSE reader, host included', slope, 'KiB', 96),
  ];
}

/** Lets readers follow threads, then starts a run on each thread. */
async function follow(app: BenchApp, { name, threadCount, readerCount, chunks, pauseMs }: Audience): Promise<Seen> {
  const threads = Array.from({ length: threadCount }, (_, index) => `readers-${name}-${index}`);
  const urls = threads.flatMap((thread) =>
    Array.from({ length: readerCount / threadCount }, () => `${app.eventsUrl(thread)}/stream`),
  );
  const readers = await startReaders(urls);
  await Promise.all(threads.map((thread) => app.run(thread, `chunks=${chunks} pauseMs=${pauseMs}`, false)));
  await delay((chunks * pauseMs) / 2);
  const residentBytes = await steadyBytes(app);
  const { eventCounts, latenciesMs } = await readers.seen;
  return {
    lost: readerCount * (chunks + 1) - eventCounts.reduce((sum, count) => sum + count, 0),
    latenciesMs,
    residentBytes,
  };
}

/** The least of some looks: what the first events of all runs took is given back after a while. */
async function steadyBytes(app: BenchApp): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 4; look += 1) {
    least = Math.min(least, (await app.memory()).resident);
    await delay(500);
  }
  return least;
}

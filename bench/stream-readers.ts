import { fork } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchApp, firstMatch } from './bench-app.js';
import { atMost, type Figure, percentile } from './figure.js';
import { startReaders } from './readers.js';

const BYTES_PER_KIB = 1024;
const MANY_THREADS = 50;

interface Audience {
  readonly name: string;
  readonly threadCount: number;
  readonly readerCount: number;
  /** Chunks of each thread's run. */
  readonly chunks: number;
  readonly pauseMs: number;
}

interface Seen {
  readonly lost: number;
  readonly latenciesMs: readonly number[];
}

/** Measures the latency of an event for the readers of its thread, and the memory of readers. */
export async function benchStreamReaders(app: BenchApp): Promise<Figure[]> {
  const hundred = await follow(app, { name: 'hundred', threadCount: 1, readerCount: 100, chunks: 300, pauseMs: 10 });
  const crowd = { threadCount: MANY_THREADS, pauseMs: 100, chunks: 80 };
  const bareLatenciesMs = await followBareServer({ ...crowd, readerCount: 1000 });
  const many = await follow(app, { ...crowd, name: 'many', readerCount: 1000 });
  // Separate from the latencies, because garbage collection before each measurement pauses the app.
  let [ofFew, ofMany] = [Number.NaN, Number.NaN];
  await follow(app, { ...crowd, name: 'memory-of-few', readerCount: 200 }, async () => {
    ofFew = await steadyBytes(app);
  });
  await follow(app, { ...crowd, name: 'memory-of-many', readerCount: 1000 }, async () => {
    ofMany = await steadyBytes(app);
  });
  return [
    atMost('event → 100 SSE readers of a thread, 100 events/s: p50', percentile(hundred.latenciesMs, 0.5), 'ms', 10),
    atMost('event → 100 SSE readers of a thread, 100 events/s: p99', percentile(hundred.latenciesMs, 0.99), 'ms', 50),
    atMost('1,000 SSE readers of 50 threads, 10 events/s each: lost', many.lost + hundred.lost, 'events', 0),
    atMost(
      '1,000 SSE readers of 50 threads, 10 events/s each: p99',
      percentile(many.latenciesMs, 0.99),
      'ms',
      150,
      100,
    ),
    {
      name: 'the same from a bare Node server, which sends events and does nothing else: p99',
      measured: `${percentile(bareLatenciesMs, 0.99).toFixed(1)} ms`,
    },
    atMost(
      'memory for each further SSE reader, host included',
      (ofMany - ofFew) / (1000 - 200) / BYTES_PER_KIB,
      'KiB',
      64,
    ),
  ];
}

/** Lets readers follow threads, then starts a run on each thread. `midway` is called in the middle of the runs. */
async function follow(
  app: BenchApp,
  { name, threadCount, readerCount, chunks, pauseMs }: Audience,
  midway?: () => Promise<void>,
): Promise<Seen> {
  const threads = Array.from({ length: threadCount }, (_, index) => `readers-${name}-${index}`);
  const urls = threads.flatMap((thread) =>
    Array.from({ length: readerCount / threadCount }, () => `${app.eventsUrl(thread)}/stream`),
  );
  const readers = await startReaders(urls);
  await Promise.all(threads.map((thread) => app.run(thread, `chunks=${chunks} pauseMs=${pauseMs}`, false)));
  await delay((chunks * pauseMs) / 2);
  await midway?.();
  const { eventCounts, latenciesMs } = await readers.seen;
  return { lost: readerCount * (chunks + 1) - eventCounts.reduce((sum, count) => sum + count, 0), latenciesMs };
}

/** Lets readers follow threads of the bare server. @returns their latencies in milliseconds */
async function followBareServer({
  threadCount,
  readerCount,
  chunks,
  pauseMs,
}: Omit<Audience, 'name'>): Promise<readonly number[]> {
  const server = fork(path.join(__dirname, 'bare-sse-server.js'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const url = `http://127.0.0.1:${await firstMatch(server, /^listening (\d+)$/)}`;
  const readers = await startReaders(
    Array.from({ length: readerCount }, (_, index) => `${url}/${index % threadCount}`),
  );
  await fetch(`${url}/?events=${chunks + 1}&pauseMs=${pauseMs}`, { method: 'POST' });
  const { latenciesMs } = await readers.seen;
  server.disconnect();
  return latenciesMs;
}

/** Returns the minimum of several measurements, because memory for the first events of all runs is freed later. */
async function steadyBytes(app: BenchApp): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 4; look += 1) {
    least = Math.min(least, (await app.memory()).resident);
    await delay(500);
  }
  return least;
}

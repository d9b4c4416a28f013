import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { BenchApp } from './bench-app.js';
import { withStore } from './bench-store.js';
import { type Figure, median } from './figure.js';
import type { SdkReaderAnswer, SdkReaderOrder } from './sdk-reader.js';

const ROUNDS = 7;
const RUNS_PER_ROUND = 1;
const FEW_CHUNKS = 200;
const MANY_CHUNKS = 2000;
const RUNS_AT_ONCE = 50;
const CHUNKS_AT_ONCE = 400;
const RATE_ROUNDS = 3;
const TARGET_RATIO = 3;

/** A process that reads the model's streams. */
interface Contestant {
  readonly name: string;
  /**
   * Reads a stream of `chunks` chunks repeatedly, one after another. @returns the CPU time the process has used since
   * its start, in microseconds
   */
  readonly read: (chunks: number, times: number) => Promise<number>;
}

/**
 * Measures the CPU time of one more update, as the difference between runs of 200 and of 2,000 chunks, in the app's
 * process including the local host. The reference is the OpenAI SDK alone, in a separate process, which reads the same
 * streams in turn with the app.
 */
export function benchUpdateCost(): Promise<Figure[]> {
  return withStore('table', (table) =>
    withStore('redis', async (redis) => {
      const quiet = { CALLBACK_LOG_UPDATES: 'false' };
      const apps: BenchApp[] = [];
      const start = async (settings: Readonly<Record<string, string>>): Promise<BenchApp> => {
        const app = await BenchApp.start(settings);
        apps.push(app);
        return app;
      };
      try {
        const memory = await start({ CALLBACK_STORE: 'memory', ...quiet });
        const logging = await start({ CALLBACK_STORE: 'memory', CALLBACK_LOG_UPDATES: 'true' });
        const inRedis = await start({ ...redis.environment(), ...quiet });
        const inTable = await start({ ...table.environment(), ...quiet });
        const figures = await costs(memory.modelUrl, [
          { name: 'memory store', read: appReader(memory) },
          { name: 'memory store, a log line per update', read: appReader(logging) },
          { name: 'redis', read: appReader(inRedis) },
          { name: 'table (Azurite)', read: appReader(inTable) },
        ]);
        return [...figures, await rateAtOnce(memory)];
      } finally {
        for (const app of apps) await app.stop();
      }
    }),
  );
}

async function costs(modelUrl: string, readers: readonly Contestant[]): Promise<Figure[]> {
  const sdk = fork(path.join(__dirname, 'sdk-reader.js'), [modelUrl]);
  try {
    const contestants = [{ name: 'OpenAI SDK alone', read: sdkReader(sdk) }, ...readers];
    const slopes: number[][] = contestants.map(() => []);
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [index, contestant] of contestants.entries()) {
        const slopeUs = await measureSlope(contestant);
        if (round >= 0) slopes[index]?.push(slopeUs); // the round before that warms up
      }
    }
    const [sdkUs = Number.NaN, ...appUs] = slopes.map(median);
    return readers.map(({ name }, index) => toFigure(name, appUs[index] ?? Number.NaN, sdkUs, index === 0));
  } finally {
    sdk.disconnect();
  }
}

/** @returns the CPU time of one more update, in microseconds */
async function measureSlope({ read }: Contestant): Promise<number> {
  const startUs = await read(FEW_CHUNKS, 0);
  const fewUs = await read(FEW_CHUNKS, RUNS_PER_ROUND);
  const manyUs = await read(MANY_CHUNKS, RUNS_PER_ROUND);
  return (manyUs - fewUs - (fewUs - startUs)) / (MANY_CHUNKS - FEW_CHUNKS) / RUNS_PER_ROUND;
}

function toFigure(name: string, appUs: number, sdkUs: number, hasTarget: boolean): Figure {
  const ratio = appUs / sdkUs;
  return {
    name: `CPU per update, ${name}: app / OpenAI SDK alone`,
    measured: `${ratio.toFixed(2)} × (${appUs.toFixed(1)} / ${sdkUs.toFixed(1)} µs)`,
    ...(hasTarget && { target: `≤ ${TARGET_RATIO} ×, stretch 2 ×`, isMet: ratio <= TARGET_RATIO }),
  };
}

function appReader(app: BenchApp): Contestant['read'] {
  let runs = 0;
  return async (chunks, times) => {
    for (let time = 0; time < times; time += 1) {
      runs += 1;
      await app.run(`update-cost-${runs}`, `chunks=${chunks}`);
    }
    return app.cpuUs();
  };
}

function sdkReader(sdk: ChildProcess): Contestant['read'] {
  return async (chunks, times) => {
    const messages = Array.from({ length: times }, () => `chunks=${chunks}`);
    sdk.send({ messages } satisfies SdkReaderOrder);
    const [answer] = (await once(sdk, 'message')) as [SdkReaderAnswer];
    return answer.cpuUs;
  };
}

/** Measures how many events per second one process handles when many runs stream at full speed. */
async function rateAtOnce(app: BenchApp): Promise<Figure> {
  const rates: number[] = [];
  for (let round = -1; round < RATE_ROUNDS; round += 1) {
    const start = performance.now();
    const threads = Array.from({ length: RUNS_AT_ONCE }, (_, index) => `at-once-${round}-${index}`);
    await Promise.all(threads.map((thread) => app.run(thread, `chunks=${CHUNKS_AT_ONCE}`)));
    const seconds = (performance.now() - start) / 1000;
    if (round >= 0) rates.push((RUNS_AT_ONCE * (CHUNKS_AT_ONCE + 1)) / seconds);
  }
  return {
    name: `${RUNS_AT_ONCE} runs of ${CHUNKS_AT_ONCE} chunks at once in one process, memory store`,
    measured: `${Math.round(median(rates)).toLocaleString('en')} events/s`,
  };
}

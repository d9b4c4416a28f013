import { parseArgs } from 'node:util';
import { withTimeout } from '../../src/functions/time-limits.js';
import { BenchApp } from '../bench-app.js';
import { type BenchStore, withStore } from '../bench-store.js';
import { type Figure, percentile, toTable } from '../figure.js';
import { loadRun, type LoadRunReport } from './load-run.js';

const CUT_SHARE = 0.05;
const CANCEL_SHARE = 0.01;
const SAMPLE_EVERY_MS = 5000;
/** Ends a load test that hangs. Excludes the time for start and stop. */
const LIMIT_MS = 200_000;
const MIB = 1024 * 1024;

const usage = `Usage: npm run load -- [options]

  --store redis|table  the store that both hosts share (default redis)
  --runs NUMBER        runs at once (default 200)
  --readers NUMBER     readers of event streams at once (default 500)
  --seconds NUMBER     how long new runs are started (default 120)`;

interface MemorySample {
  readonly atMs: number;
  readonly usedBytes: number;
}

/** Puts two local hosts on one store under load. Prints lost events, latencies of readers, and growth of memory. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'redis' },
      runs: { type: 'string', default: '200' },
      readers: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '120' },
      help: { type: 'boolean', default: false },
    },
  });
  const [runs, readers, seconds] = [values.runs, values.readers, values.seconds].map(Number) as [
    number,
    number,
    number,
  ];
  if (
    values.help ||
    (values.store !== 'redis' && values.store !== 'table') ||
    !(runs >= 1 && readers >= runs && seconds >= 1)
  ) {
    process.stderr.write(`${usage}\n`);
    process.exit(values.help ? 0 : 2);
  }
  const isClean = await withStore(values.store, (store) => runLoad(store, { runs, readers, seconds }));
  process.exit(isClean ? 0 : 1);
}

interface Load {
  readonly runs: number;
  readonly readers: number;
  readonly seconds: number;
}

async function runLoad(store: BenchStore, { runs, readers, seconds }: Load): Promise<boolean> {
  // The store belongs to the task hub, so both hosts have the same one. Each local host keeps its entities to itself.
  const environment = { ...store.environment(), CALLBACK_LOG_UPDATES: 'false' };
  const first = await BenchApp.start(environment);
  const second = await BenchApp.start(environment);
  const openThreads = new Set<string>();
  try {
    const reports: LoadRunReport[] = [];
    const endsAtMs = performance.now() + seconds * 1000;
    let started = 0;
    const work = async (slot: number): Promise<void> => {
      // Readers are spread evenly: some slots have one more than others.
      const slotReaders = Math.floor((readers * (slot + 1)) / runs) - Math.floor((readers * slot) / runs);
      while (performance.now() < endsAtMs) {
        started += 1;
        const threadId = `load-${started}`;
        openThreads.add(threadId);
        const [host, otherHost] = started % 2 === 0 ? [first, second] : [second, first];
        reports.push(
          await loadRun({
            threadId,
            host,
            otherHost,
            readers: slotReaders,
            cutShare: CUT_SHARE,
            isCancelled: Math.random() < CANCEL_SHARE,
          }),
        );
        openThreads.delete(threadId);
      }
    };
    const [memory] = await withTimeout(LIMIT_MS, () =>
      Promise.all([sampleMemory([first, second], endsAtMs), ...Array.from({ length: runs }, (_, slot) => work(slot))]),
    );
    const figures = toFigures(store, reports, memory);
    process.stdout.write(`${toTable(figures)}\n`);
    const problems = reports.flatMap((report) => report.problems);
    for (const problem of problems.slice(0, 20)) process.stderr.write(`${problem}\n`);
    return problems.length === 0 && sumOf(reports, 'lost') === 0 && sumOf(reports, 'doubled') === 0;
  } catch (error) {
    process.stderr.write(`Runs that had not ended: ${[...openThreads].join(', ')}\n`);
    throw error;
  } finally {
    await Promise.all([first.stop(), second.stop()]);
  }
}

async function sampleMemory(hosts: readonly BenchApp[], endsAtMs: number): Promise<readonly MemorySample[][]> {
  const samples = hosts.map((): MemorySample[] => []);
  while (performance.now() < endsAtMs) {
    await new Promise((resolve) => void setTimeout(resolve, SAMPLE_EVERY_MS));
    for (const [index, host] of hosts.entries()) {
      samples[index]?.push({ atMs: performance.now(), usedBytes: (await host.memory()).used });
    }
  }
  return samples;
}

function toFigures(store: BenchStore, reports: readonly LoadRunReport[], memory: readonly MemorySample[][]): Figure[] {
  const latenciesMs = reports.flatMap((report) => report.latenciesMs);
  return [
    count(`runs that were answered, ${store.title}`, reports.filter(({ end }) => end === 'final').length),
    count('runs that the other host cancelled', reports.filter(({ end }) => end === 'cancelled').length),
    count('readers that were cut and resumed', sumOf(reports, 'cuts')),
    count('events that readers received', latenciesMs.length),
    none('events that a reader lost', sumOf(reports, 'lost')),
    none('events that a reader received twice', sumOf(reports, 'doubled')),
    none('runs with another end or text than expected', reports.filter(({ problems }) => problems.length > 0).length),
    count('event → reader, p50', `${percentile(latenciesMs, 0.5).toFixed(0)} ms`),
    count('event → reader, p99', `${percentile(latenciesMs, 0.99).toFixed(0)} ms`),
    ...memory.map((samples, index) =>
      count(
        `memory of host ${index + 1} after a collection, slope of the second half`,
        `${((slopePerMs(samples.slice(samples.length >> 1)) * 60_000) / MIB).toFixed(1)} MiB a minute`,
      ),
    ),
  ];
}

function count(name: string, measured: number | string): Figure {
  return { name, measured: String(measured) };
}

function none(name: string, measured: number): Figure {
  return { name, measured: String(measured), target: '0', isMet: measured === 0 };
}

function sumOf(reports: readonly LoadRunReport[], key: 'lost' | 'doubled' | 'cuts'): number {
  return reports.reduce((sum, report) => sum + report[key], 0);
}

/** Returns the slope of the least-squares line through the samples, in bytes per millisecond. */
function slopePerMs(samples: readonly MemorySample[]): number {
  const meanMs = samples.reduce((sum, { atMs }) => sum + atMs, 0) / samples.length;
  const meanBytes = samples.reduce((sum, { usedBytes }) => sum + usedBytes, 0) / samples.length;
  const products = samples.reduce((sum, { atMs, usedBytes }) => sum + (atMs - meanMs) * (usedBytes - meanBytes), 0);
  const squares = samples.reduce((sum, { atMs }) => sum + (atMs - meanMs) ** 2, 0);
  return squares === 0 ? 0 : products / squares;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { modelSettings } from './bench-app.js';
import { atMost, type Figure, median } from './figure.js';

const START_ROUNDS = 21;
const BYTES_PER_MIB = 1024 * 1024;
const DIST = path.resolve(__dirname, '..');

/** Measures the memory of a full store, compared with its limit. */
export async function benchStoreMemory(): Promise<Figure[]> {
  const output = await node(['--expose-gc', path.join(DIST, 'bench', 'store-memory.js')]);
  const { maxBytes, takenBytes } = JSON.parse(output) as { maxBytes: number; takenBytes: number };
  return [
    atMost(
      '1,000 threads × 100 events of 1 KiB: heap and buffers',
      takenBytes / BYTES_PER_MIB,
      'MiB',
      (maxBytes * 1.2) / BYTES_PER_MIB,
    ),
  ];
}

/** Measures how long the packaged app takes to load, each time in a new process. */
export async function benchStart(): Promise<Figure[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  try {
    await node([path.join(DIST, 'local', 'package', 'package-app.js'), '--folder', folder]);
    const load = `
    const start = performance.now();
    require(${JSON.stringify(folder)});
    process.stdout.write('\\nloaded in ' + (performance.now() - start));`;
    const timesMs: number[] = [];
    for (let round = 0; round < START_ROUNDS; round += 1) {
      const output = await node(['-e', load], modelSettings('http://127.0.0.1:9'));
      timesMs.push(Number(/loaded in ([\d.]+)$/.exec(output)?.[1]));
    }
    return [atMost('start of the packaged app (import)', median(timesMs), 'ms', 350)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function node(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...environment } });
  return stdout;
}

import { BenchApp } from './bench-app.js';
import { directCaller } from './direct-caller.js';
import { type Figure, median } from './figure.js';

const MESSAGE = 'chunks=40 pauseMs=5';
const FILLING_MESSAGE = 'chunks=40';
const FILLED_AT_ONCE = 50;
const ROUNDS = 20;
const BYTES_PER_KIB = 1024;

/** Measures the cost of a run at the end of an increasingly long thread: time besides the model's, and bytes. */
export async function benchLongThread(): Promise<Figure[]> {
  const app = await BenchApp.start({ CALLBACK_STORE: 'memory', CALLBACK_STORE_MAX_EVENTS_PER_THREAD: '1000000' });
  const direct = directCaller(app.modelUrl);
  const threadId = 'long-thread';
  const figures: Figure[] = [];
  let turns = 0;
  const fill = async (wanted: number): Promise<void> => {
    while (turns < wanted) {
      const count = Math.min(FILLED_AT_ONCE, wanted - turns);
      await Promise.all(Array.from({ length: count }, () => app.runOrTimeOut(threadId, FILLING_MESSAGE)));
      turns += count;
    }
  };
  try {
    for (const wanted of [10, 100, 1000]) {
      await fill(wanted);
      const added: number[] = [];
      const before = await app.traffic();
      for (let round = 0; round < ROUNDS; round += 1) {
        const { totalMs } = await direct(MESSAGE);
        const start = performance.now();
        await app.run(threadId, MESSAGE);
        added.push(performance.now() - start - totalMs);
      }
      const after = await app.traffic();
      turns += ROUNDS;
      const name = `thread of ${wanted.toLocaleString('en')} turns`;
      const kibPerRun = (bytes: number): string => `${(bytes / ROUNDS / BYTES_PER_KIB).toFixed(1)} KiB`;
      const reads = ((after.stateReads - before.stateReads) / ROUNDS).toFixed(2);
      const readBytes = kibPerRun(after.stateBytes - before.stateBytes);
      figures.push(
        { name: `${name}: run total minus direct total`, measured: `${median(added).toFixed(1)} ms` },
        { name: `${name}: reads of the state per run`, measured: `${reads}, together ${readBytes}` },
        {
          name: `${name}: sent to the model per run`,
          measured: kibPerRun(after.modelBytes - before.modelBytes),
        },
      );
    }
    return figures;
  } finally {
    await app.stop();
  }
}

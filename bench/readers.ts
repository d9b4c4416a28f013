import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ReadersOrder, ReadersReport } from './sse-readers.js';

type Seen = Omit<Extract<ReadersReport, { kind: 'done' }>, 'kind'>;

/** SSE readers in a separate process. */
export interface Readers {
  /** Resolves when each has seen the end of a run. */
  readonly seen: Promise<Seen>;
}

/** @returns when all are connected */
export async function startReaders(urls: readonly string[]): Promise<Readers> {
  const readers = fork(path.join(__dirname, 'sse-readers.js'));
  const next = async (): Promise<ReadersReport> => {
    const [report] = (await once(readers, 'message')) as [ReadersReport];
    return report;
  };
  readers.send({ urls } satisfies ReadersOrder);
  await next();
  const seen = next().then((report) => {
    readers.disconnect();
    if (report.kind !== 'done') throw new Error('The readers reported nothing.');
    return report;
  });
  return { seen };
}

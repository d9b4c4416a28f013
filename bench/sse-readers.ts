import http from 'node:http';

/** The task of a reader process: follow each of these URLs up to the end of a run. */
export interface ReadersOrder {
  readonly urls: readonly string[];
}

/** Its messages: first that all readers are connected, then their results. */
export type ReadersReport =
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'done';
      /** Number of events of each reader. */
      readonly eventCounts: readonly number[];
      /** Time from an event's timestamp, in whole milliseconds, to its last byte, for all events of all readers. */
      readonly latenciesMs: readonly number[];
    };

/** Runs in a separate process, so that reading slows down neither the measurement nor the server. */
process.on('message', ({ urls }: ReadersOrder) => {
  void (async () => {
    const latenciesMs: number[] = [];
    const readers = await Promise.all(urls.map((url) => connect(url, latenciesMs)));
    report({ kind: 'connected' });
    const eventCounts = await Promise.all(readers.map(({ eventCount }) => eventCount));
    report({ kind: 'done', eventCounts, latenciesMs });
  })();
});
process.on('disconnect', () => process.exit());

function report(message: ReadersReport): void {
  process.send?.(message);
}

/** Resolves when the answer has started. `eventCount` resolves when the run or the stream has ended. */
function connect(url: string, latenciesMs: number[]): Promise<{ readonly eventCount: Promise<number> }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false }, (answer) => {
      if (answer.statusCode !== 200) throw new Error(`${url} was answered ${answer.statusCode}`);
      const eventCount = new Promise<number>((ended) => {
        let count = 0;
        let rest = '';
        answer.on('data', (chunk: Buffer) => {
          const now = performance.timeOrigin + performance.now();
          const frames = (rest + chunk.toString('latin1')).split('\n\n');
          rest = frames.pop() ?? '';
          for (const frame of frames) {
            const [, timestamp] = /"timestamp":"([^"]*)"/.exec(frame) ?? [];
            if (timestamp === undefined) continue;
            count += 1;
            latenciesMs.push(now - Date.parse(timestamp));
            if (frame.includes('event: final\n')) request.destroy();
          }
        });
        answer.on('error', () => undefined);
        answer.on('close', () => ended(count));
      });
      resolve({ eventCount });
    });
    request.on('error', reject);
  });
}

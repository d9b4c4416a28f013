import autocannon from 'autocannon';
import type { BenchApp } from './bench-app.js';
import { type Figure, median } from './figure.js';

const ROUNDS = 3;
const SECONDS = 2;
const EVENTS_PER_RUN = 200;

/** Measures how fast events are served, compared with a ready buffer from the same host in the same minute. */
export async function benchGetEvents(app: BenchApp): Promise<Figure[]> {
  await fill(app, 'get-1000', 1000);
  await fill(app, 'get-10000', 10_000);
  const { byteLength } = await (await fetch(app.eventsUrl('get-1000'))).arrayBuffer();

  const fixed: number[] = [];
  const thousand: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    fixed.push(await requestsPerSecond(`${app.apiUrl}/fixed-buffer?bytes=${byteLength}`));
    thousand.push(await requestsPerSecond(app.eventsUrl('get-1000')));
  }
  const empty = await requestsPerSecond(app.eventsUrl('get-0'));
  const tenThousand = await requestsPerSecond(app.eventsUrl('get-10000'));

  const share = median(thousand) / median(fixed);
  const kilobytes = Math.round(byteLength / 1000);
  return [
    {
      name: `GET of 1,000 events (${kilobytes} kB), share of a fixed buffer's ${Math.round(median(fixed))} requests/s`,
      measured: `${Math.round(share * 100)} % (${Math.round(median(thousand))} requests/s)`,
      target: '≥ 60 %',
      isMet: share >= 0.6,
    },
    { name: 'GET of an empty thread', measured: `${Math.round(empty)} requests/s` },
    { name: 'GET of 10,000 events', measured: `${Math.round(tenThousand)} requests/s` },
  ];
}

/** Fills a thread with events. A run has one stream event per chunk and one final event. */
export async function fill(app: BenchApp, threadId: string, eventCount: number): Promise<void> {
  const eventsPerRun = Math.min(eventCount, EVENTS_PER_RUN);
  for (let run = 0; run < eventCount / eventsPerRun; run += 1) {
    await app.run(threadId, `chunks=${eventsPerRun - 1}`);
  }
  const { length } = await app.events(threadId);
  if (length !== eventCount) throw new Error(`Expected ${eventCount} events, found ${length}.`);
}

export async function requestsPerSecond(url: string, seconds = SECONDS): Promise<number> {
  const result = await autocannon({ url, connections: 10, duration: seconds });
  if (result.non2xx + result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} answers were no success, ${result.errors} requests failed.`);
  }
  return result.requests.average;
}

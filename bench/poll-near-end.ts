import type { BenchApp } from './bench-app.js';
import { type Figure, median } from './figure.js';
import { fill, requestsPerSecond } from './get-events.js';

const ROUNDS = 3;
const SECONDS = 2;
const NEW_EVENTS = 5;

/** Measures the cost of polling for the newest events of a thread, by the length of the thread. */
export async function benchPollNearEnd(app: BenchApp): Promise<Figure[]> {
  await fill(app, 'poll-100', 100);
  await fill(app, 'poll-10000', 10_000);
  const short: number[] = [];
  const long: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    short.push(await requestsPerSecond(`${app.eventsUrl('poll-100')}?after=${100 - NEW_EVENTS}`, SECONDS));
    long.push(await requestsPerSecond(`${app.eventsUrl('poll-10000')}?after=${10_000 - NEW_EVENTS}`, SECONDS));
  }
  const share = median(long) / median(short);
  return [
    {
      name: `poll for ${NEW_EVENTS} new events: requests/s with 10,000 events before them, share of that with 100`,
      measured: `${Math.round(share * 100)} % (${Math.round(median(long))} requests/s)`,
      target: '80 to 120 %',
      isMet: share >= 0.8 && share <= 1.2,
    },
  ];
}

import { type CallbackEventStore, MAX_APPENDED_EVENTS } from '../src/audit/store/callback-event-store.js';
import type { EventThread } from '../src/audit/domain/event-thread.js';
import { createCallbackEventStore } from '../src/audit/store/create-callback-event-store.js';
import type { NewEvent } from '../src/audit/domain/stored-event.js';
import { type BenchStore, STORE_KINDS, withStore } from './bench-store.js';
import { type Figure, median } from './figure.js';
import { createKeyValueStore } from '../src/storage/create-key-value-store.js';
import { quietLog } from './quiet-log.js';

const EVENTS = 100_000;
const PAGE = 500;
const ROUNDS = 15;
const APPENDS_PER_RUN = 5;

const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'page-depth' };

/** Measures the cost of a page by its position in a long thread. */
export async function benchPageDepth(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of STORE_KINDS) figures.push(await withStore(kind, measure, { isDeep: true }));
  return figures;
}

async function measure({ settings, title }: BenchStore): Promise<Figure> {
  const values = createKeyValueStore(settings, quietLog);
  const store = createCallbackEventStore(settings, values, quietLog);
  try {
    await fill(store);
    const [start, middle, end] = await pageTimes(store);
    const share = end / start;
    const times = [start, middle, end].map((ms) => ms.toFixed(1)).join(' / ');
    return {
      name: `page of ${PAGE} of ${EVENTS.toLocaleString('en')} events, ${title}: at the end, as a multiple of at the start`,
      measured: `${share.toFixed(2)} (${times} ms at start, middle and end)`,
      target: '0.5 to 2',
      isMet: share >= 0.5 && share <= 2,
    };
  } finally {
    await store.close();
    await values.close();
  }
}

/** @returns medians in milliseconds: at the start, in the middle and at the end */
async function pageTimes(store: CallbackEventStore): Promise<[number, number, number]> {
  const { head } = await store.list(thread, { limit: 1 });
  if (head?.newestSequence !== EVENTS) throw new Error(`Found ${head?.newestSequence} of ${EVENTS} events.`);
  const read = async (sequence: number): Promise<number> => {
    const start = performance.now();
    const { events } = await store.list(thread, { after: { epoch: head.epoch, sequence }, limit: PAGE });
    const tookMs = performance.now() - start;
    if (events.length !== PAGE) throw new Error(`Found ${events.length} of ${PAGE} events after ${sequence}.`);
    return tookMs;
  };
  const times: [number[], number[], number[]] = [[], [], []];
  for (let round = -2; round < ROUNDS; round += 1) {
    const roundMs = [await read(0), await read((EVENTS - PAGE) / 2), await read(EVENTS - PAGE)];
    if (round < 0) continue; // warming up
    for (const [index, ms] of roundMs.entries()) times[index]?.push(ms);
  }
  return [median(times[0]), median(times[1]), median(times[2])];
}

async function fill(store: CallbackEventStore): Promise<void> {
  let count = 0;
  for (let number = 0; count < EVENTS; number += 1) {
    const run = {
      correlationId: number.toString(16).padStart(32, '0'),
      requestMessage: 'fill',
      acceptedAt: '2026-01-01T00:00:00.000Z',
    };
    const attempt = await store.beginAttempt(thread, run, `token-${number}`, run.acceptedAt);
    for (let append = 0; append < APPENDS_PER_RUN && count < EVENTS; append += 1) {
      const length = Math.min(MAX_APPENDED_EVENTS, EVENTS - count);
      const isEnd = append === APPENDS_PER_RUN - 1;
      const events = Array.from({ length }, (_, index) => eventOf(` word${index}`, isEnd && index === length - 1));
      await store.append(attempt, append * MAX_APPENDED_EVENTS, events);
      count += length;
    }
  }
}

function eventOf(text: string, isFinal: boolean): NewEvent {
  const timestamp = '2026-01-01T00:00:00.000Z';
  if (!isFinal) {
    return { timestamp, eventType: 'stream', fields: `"event_type":"stream","update_kind":"text","text":"${text}"` };
  }
  const fields = `"event_type":"final","response_text":"${text}","usage":null,"finish_reason":"stop"`;
  return { timestamp, eventType: 'final', fields };
}

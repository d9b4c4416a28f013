import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { readBytes } from '../support/cut-reader.js';
import { callbackEventsOf, type SseEvents } from '../support/sse-events.js';

const CUTS = 200;
const PIECES = [
  'It',
  ' is 🌦️',
  '\n\ndata: {}\r\nid: 1-1\n',
  '\0',
  ' שלום',
  '\u2028',
  '"}',
  ' 72°F',
  '\uD83D',
  '\uDE00',
];
const RUN_OF_200 = { pieces: Array.from({ length: 210 }, (_, index) => PIECES[index % PIECES.length] ?? '') };

describe('a lost connection', () => {
  let target: AppWithModel;
  let threadId: string;
  let url: string;

  beforeAll(async () => {
    target = await startAppWithModel(() => RUN_OF_200);
    threadId = newThreadId();
    const { correlation_id: id } = await target.api.ask(threadId, 'Hello');
    url = `${target.app.baseUrl}/api/agents/CallbackAgent/callbacks/${threadId}/stream?until=run-end&correlation_id=${id}`;
  });

  afterAll(() => target.stop());

  it('neither loses nor repeats an event, at any of 200 random bytes', async () => {
    const { read, byteCount } = await readBytes(url, Infinity);
    const { events } = read;
    expect(events.length).toBeGreaterThan(180);
    expect(callbackEventsOf(events)).toEqual(await target.api.events(threadId));
    const lengths = Array.from({ length: CUTS }, () => 1 + Math.floor(Math.random() * byteCount));
    const cutOnce = async (length: number): Promise<void> => {
      const cut = await readBytes(url, length);
      const rest = await readBytes(url, Infinity, cut.read.lastId);
      const all = [...cut.read.events, ...rest.read.events];
      expect(callbackEventsOf(all), `cut at byte ${length}`).toEqual(callbackEventsOf(events));
      expect(all.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(rest.status).toBe(cut.read.events.length === events.length ? 204 : 200);
    };
    for (let first = 0; first < CUTS; first += 10) await Promise.all(lengths.slice(first, first + 10).map(cutOnce));
  });

  it('neither loses nor repeats an event, repeatedly during a run', async () => {
    const liveThreadId = newThreadId();
    const live = `${target.app.baseUrl}/api/agents/CallbackAgent/callbacks/${liveThreadId}/stream`;
    const run = target.api.ask(liveThreadId, 'Hello');
    const seen: SseEvents['events'] = [];
    let lastId: string | undefined;
    let cuts = 0;
    while (seen.at(-1)?.event !== 'final') {
      const cut = await readBytes(live, 5000 + Math.floor(Math.random() * 5000), lastId);
      seen.push(...cut.read.events);
      lastId = cut.read.lastId ?? lastId;
      cuts += 1;
    }
    await run;
    expect(JSON.stringify(callbackEventsOf(seen))).toBe((await target.api.poll(liveThreadId)).text);
    expect(cuts).toBeGreaterThan(5);
  });
});

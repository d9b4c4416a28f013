import { HttpResponse } from '@azure/functions';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConversationAuditTrail } from '../../../src/audit/recording/conversation-audit-trail.js';
import { EventJson } from '../../../src/audit/http/event-json.js';
import { StreamHub } from '../../../src/audit/http/stream-hub.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { createStreamEventsRoute } from '../../../src/audit/http/stream-events-route.js';
import { finish, text } from '../../support/agent-parts.js';
import { runId, thread } from '../../support/callback-events.js';
import { callbackInvocation, callbackRequest, createAccess } from '../../support/callback-invocation.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { callbackEventsOf, parseSse, SseEvents } from '../../support/sse-events.js';
import { runAgentOnce } from '../../support/run-agent-once.js';

const PIECES = ['It', ' is 🌦️', '\n\ndata: {}\r\nid: 1-1', '\0', ' שלום', '\u2028', '"}', ' 72°F'];
const UNTIL_END = `?until=run-end&correlation_id=${runId(1)}`;

/** The content of some events. Includes the request message that each connection repeats once. */
function seenIn(events: SseEvents['events']): unknown {
  return { ids: events.map(({ id }) => id), events: callbackEventsOf(events) };
}

describe('the stream of a run of 200 events', () => {
  const store = createMemoryStore();
  const log = createRecordingLog();
  const streams = new StreamHub({
    log,
    store,
    maxDurationMs: 60_000,
    maxRunDurationMs: 60_000,
    maxBytes: 10_000_000,
    maxOpen: 10_000,
    maxOpenPerThread: 10_000,
  });
  const handler = createStreamEventsRoute({ store, streams, access: createAccess() });
  const resumed = new Map<string | undefined, ReturnType<typeof readStream>>();
  let whole: Uint8Array;

  async function open(lastId?: string): Promise<HttpResponse> {
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
    const answer = await handler(callbackRequest({ query: UNTIL_END, headers }), callbackInvocation());
    return new HttpResponse(answer ?? {});
  }

  async function readStream(lastId?: string) {
    const response = await open(lastId);
    if (response.status === 204) return [];
    expect(response.status).toBe(200);
    return parseSse(new Uint8Array(await response.arrayBuffer())).events;
  }

  /** Resumes after this event. Caches the result, because the log does not change. */
  function readOn(lastId: string | undefined): ReturnType<typeof readStream> {
    const known = resumed.get(lastId) ?? readStream(lastId);
    resumed.set(lastId, known);
    return known;
  }

  beforeAll(async () => {
    const pieces = Array.from({ length: 199 }, (_, index) => text(`${PIECES[index % PIECES.length]}`));
    const agent = Object.assign(new ScriptedAgent([...pieces, finish()]), { name: thread.agentName });
    const callback = new ConversationAuditTrail({
      store,
      health: new StoreHealth(store),
      log: { updates: false, previewChars: 0 },
    });
    await runAgentOnce(agent, { callback, request: runRequest({ correlationId: runId(1) }) });
    whole = new Uint8Array(await (await open()).arrayBuffer());
  });

  it('contains all of its events, and ends', async () => {
    const page = await store.list(thread);
    const json = new EventJson(page);
    expect(page.events).toHaveLength(200);
    expect(parseSse(whole).events.map(({ data }) => data)).toEqual(
      page.events.map((event, index) => json.textOf(event, index === 0)),
    );
  });

  it('can be completed from the last id, wherever it is cut', async () => {
    const { events } = parseSse(whole);
    const expected = seenIn(events);
    const soFar = new SseEvents();
    let compared = -1;
    for (let length = 0; length <= whole.length; length += 1) {
      if (length > 0) soFar.feed(whole.subarray(length - 1, length));
      const rest = await readOn(soFar.lastId);
      // Cuts between the same two events have the same outcome, so each is compared once.
      if (soFar.events.length === compared) continue;
      expect(seenIn([...soFar.events, ...rest])).toEqual(expected);
      compared = soFar.events.length;
    }
    expect(resumed.size).toBe(events.length + 1);
  });

  it('resumes after the id that an EventSource polyfill sends in the query', async () => {
    const { events } = parseSse(whole);
    const { id = '' } = events[99] ?? {};
    const query = `${UNTIL_END}&after=3&lastEventId=${encodeURIComponent(id)}`;
    const answer = await handler(callbackRequest({ query, headers: {} }), callbackInvocation());
    const rest = parseSse(new Uint8Array(await new HttpResponse(answer ?? {}).arrayBuffer())).events;

    expect(rest.map((event) => event.id)).toEqual(events.slice(100).map((event) => event.id));
  });

  it('can be completed after a disconnect at any byte', async () => {
    const expected = seenIn(parseSse(whole).events);
    for (let length = 0; length < whole.length; length += 997) {
      const reader = (await open()).body?.getReader();
      const soFar = new SseEvents();
      let received = 0;
      while (received < length) {
        const chunk: { value?: Uint8Array } = (await reader?.read()) ?? {};
        const bytes = chunk.value?.subarray(0, length - received) ?? new Uint8Array();
        if (bytes.length === 0) throw new Error(`The stream ended at byte ${received}`);
        soFar.feed(bytes);
        received += bytes.length;
      }
      await reader?.cancel();
      expect(seenIn([...soFar.events, ...(await readStream(soFar.lastId))])).toEqual(expected);
    }
  });

  it('is not sent again to a reader that has seen its end', async () => {
    expect((await open(parseSse(whole).lastId)).status).toBe(204);
  });
});

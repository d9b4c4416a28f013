import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { EventJson, type EventsWithRuns, jsonArrayPieces } from '../../../src/audit/http/event-json.js';
import type { StoredEvent, NewEvent } from '../../../src/audit/domain/stored-event.js';
import type { RecordedRun } from '../../../src/audit/domain/recorded-run.js';
import { writerFor } from '../../support/append-events.js';
import {
  failedEvent,
  finalEvent,
  finalEventWithoutUsage,
  runId,
  runOf,
  servedEvent,
  streamEvent,
  thread,
} from '../../support/callback-events.js';
import { jsonsOf as servedJsons } from '../../support/served-events.js';
import { createMemoryStore } from '../../support/memory-store.js';

const HEAD =
  '{"timestamp":"2026-01-07T15:40:02.123Z","agent_name":"CallbackAgent","thread_id":"thread-1",' +
  '"correlation_id":"00000000000000000000000000000001","request_message":"Tell me a short joke",';
const STREAM = `${HEAD}"event_type":"stream","update_kind":"text","text":"Why did",`;
const FINAL =
  `${HEAD}"event_type":"final","response_text":"Why did the cloud stay home?",` +
  '"usage":{"type":"usage_details","input_token_count":59,"output_token_count":14,"total_token_count":73},' +
  '"finish_reason":"stop",';
const FAILED = `${HEAD}"event_type":"failed","error_code":"stream_stalled","error_message":"The model sent nothing.",`;
const STARTED = '"run_started_at":"2026-01-07T15:40:01.000Z"';

const parseEvent = (json: string): CallbackEvent => JSON.parse(json);

function kept(event: NewEvent, sequence: number, of: Partial<StoredEvent> = {}): StoredEvent {
  return { ...event, sequence, correlationId: runId(1), attempt: 1, ...of };
}

/** A run with one attempt for each number of lost events. */
function runWith(lostEvents: readonly number[], fields: Partial<RecordedRun> = {}): RecordedRun {
  const attempts = lostEvents.map((lost, index) => {
    return { attempt: index + 1, token: `${index}`, startedAt: '', eventCount: 9, lostEvents: lost };
  });
  return { ...runOf(), attempts, ...fields };
}

function jsonsOf(events: readonly StoredEvent[], ...runs: readonly RecordedRun[]): string[] {
  return servedJsons({ thread, events, runs: new Map(runs.map((run) => [run.correlationId, run])) });
}

describe('the JSON of an event', () => {
  it.each([
    ['stream', streamEvent(), STREAM],
    ['final', finalEvent(), FINAL],
    ['failed', failedEvent(), FAILED],
  ])('has its fields in wire order: %s', (_type, event, expected) => {
    expect(jsonsOf([kept(event, 7)], runWith([0]))).toEqual([`${expected}${STARTED},"attempt":1,"sequence":7}`]);
  });

  it.each([
    ['stream', streamEvent(), `${STREAM}${STARTED},"attempt":1,"sequence":7}`],
    ['final', finalEvent(), `${FINAL}${STARTED},"attempt":1,"lost_events":3,"sequence":7}`],
    ['failed', failedEvent(), `${FAILED}${STARTED},"attempt":1,"lost_events":3,"sequence":7}`],
  ])('includes the number of lost events in the last event of a run: %s', (_type, event, json) => {
    expect(jsonsOf([kept(event, 7)], runWith([3]))).toEqual([json]);
  });

  it('includes the number of lost events of each attempt', () => {
    const events = [1, 2, 3].map((attempt) => kept(finalEvent(), attempt, { attempt }));
    const tails = jsonsOf(events, runWith([0, 2, 5])).map((json) => json.slice(json.indexOf(STARTED)));
    expect(tails).toEqual([
      `${STARTED},"attempt":1,"sequence":1}`,
      `${STARTED},"attempt":2,"lost_events":2,"sequence":2}`,
      `${STARTED},"attempt":3,"lost_events":5,"sequence":3}`,
    ]);
  });

  it('contains the data of its own run, even between events of others', () => {
    const events = [1, 2, 1, 3, 3, 2].map((run, index) =>
      kept(streamEvent(), index + 1, { correlationId: runId(run) }),
    );
    const runs = [1, 2, 3].map((run) => {
      return runWith([0], { correlationId: runId(run), requestMessage: `message ${run}`, acceptedAt: `time ${run}` });
    });
    const read = jsonsOf(events, ...runs).map(parseEvent);
    expect(read.map((event) => [event.correlation_id, event.request_message, event.run_started_at])).toEqual(
      [1, 2, 1, 3, 3, 2].map((run) => [runId(run), `message ${run}`, `time ${run}`]),
    );
  });

  it('has an empty message if its run record is missing', () => {
    const [json] = jsonsOf([kept(finalEvent(), 7, { attempt: 2 })]);
    expect(json).toBe(`${FINAL.replace('Tell me a short joke', '')}"run_started_at":"","attempt":2,"sequence":7}`);
  });

  it('reports no losses for an attempt that the run record no longer contains', () => {
    const [json] = jsonsOf([kept(finalEvent(), 7)], runWith([4, 4], { attempts: [] }));
    expect(json).toBe(`${FINAL}${STARTED},"attempt":1,"sequence":7}`);
  });

  it.each(['"', '\\', '\n\r\t\0', '\u2028\u2029', '🌦️ שלום', '\uD83C', '</script>', '{"a":[1]}', ''])(
    'escapes %j in every text field',
    async (text) => {
      const store = createMemoryStore();
      const writer = writerFor(store);
      Object.assign(writer.run, { requestMessage: text });
      await writer.append(streamEvent(text), finalEventWithoutUsage(text));
      const page = await store.list(thread);
      expect(servedJsons(page).map(parseEvent)).toMatchObject([
        { request_message: text, text, sequence: 1 },
        { request_message: text, response_text: text, usage: null, sequence: 2 },
      ]);
      for (const json of servedJsons(page)) expect(json).not.toMatch(/[\n\r]/);
    },
  );

  it('equals the output of JSON.stringify', async () => {
    const store = createMemoryStore();
    const events = [streamEvent('a'), finalEvent('b'), failedEvent()];
    await writerFor(store).append(...events);
    expect(servedJsons(await store.list(thread))).toEqual(
      events.map((event, index) => JSON.stringify(servedEvent(event, { sequence: index + 1 }))),
    );
  });
});

describe('the estimated size of an event', () => {
  it.each(['Hello', '🌦️'.repeat(1000), '"\n'.repeat(1000)])(
    'exceeds that of its JSON by at most 60 bytes',
    async (text) => {
      const store = createMemoryStore();
      const writer = writerFor(store);
      Object.assign(writer.run, { requestMessage: text });
      await writer.append(streamEvent(text), finalEvent(text));
      const page = await store.list(thread);
      const json = new EventJson(page);
      for (const event of page.events) {
        for (const hasMessage of [true, false]) {
          const bytes = Buffer.byteLength(json.textOf(event, hasMessage));
          expect(json.sizeOf(event, hasMessage)).toBeGreaterThanOrEqual(bytes);
          expect(json.sizeOf(event, hasMessage)).toBeLessThan(bytes + 60);
        }
      }
    },
  );
});

function pageOf(eventCount: number, requestMessage: string): EventsWithRuns {
  const run = { ...runOf(), requestMessage, attempts: [] };
  const events = Array.from({ length: eventCount }, (_, index) => kept(streamEvent('🌦️'), index + 1));
  return { thread, events, runs: new Map([[run.correlationId, run]]) };
}

describe('a JSON array of events', () => {
  it.each([
    ['no events', 0, 'Hello', 1],
    ['an event', 1, 'Hello', 1],
    ['many events', 6000, 'Hello 🌦️', 6],
    ['a long message that each event repeats', 10, '🌦️'.repeat(50_000), 6],
  ])('is sent in pieces that join to the JSON of %s', (_what, count, message, minPieces) => {
    const page = pageOf(count, message);
    const pieces = [...jsonArrayPieces(page, 'each')];
    expect(pieces.length).toBeGreaterThanOrEqual(minPieces);
    expect(Buffer.concat(pieces).toString()).toBe(`[${servedJsons(page).join(',')}]`);
  });

  it('contains the message only in the first event of each run with request_message=once', () => {
    const events = [1, 2, 1, 2].map((run, index) => kept(streamEvent(), index + 1, { correlationId: runId(run) }));
    const runs = [1, 2].map((run) => runWith([0], { correlationId: runId(run), requestMessage: `message ${run}` }));
    const page = { thread, events, runs: new Map(runs.map((run) => [run.correlationId, run])) };
    const read: CallbackEvent[] = JSON.parse(Buffer.concat([...jsonArrayPieces(page, 'once')]).toString());
    expect(read.map(({ request_message: message }) => message)).toEqual([
      'message 1',
      'message 2',
      undefined,
      undefined,
    ]);
    expect(Object.keys(read[2] ?? {})).not.toContain('request_message');
  });
});

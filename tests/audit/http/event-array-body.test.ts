import { ReadableStream } from 'node:stream/web';
import { describe, expect, it } from 'vitest';
import { eventArrayBody } from '../../../src/audit/http/event-array-body.js';
import { type EventsWithRuns, eventJsons } from '../../../src/audit/http/event-json.js';
import { runId, runOf, streamEvent, thread } from '../../support/callback-events.js';

function pageOf(eventCount: number, requestMessage: string): EventsWithRuns {
  const run = { ...runOf(), requestMessage, attempts: [], committed: false, cancelRequested: false };
  const events = Array.from({ length: eventCount }, (_, index) => {
    return { ...streamEvent('🌦️'), sequence: index + 1, correlationId: runId(1), attempt: 1 };
  });
  return { thread, events, runs: new Map([[run.correlationId, run]]) };
}

describe('the body of an answer with events', () => {
  it.each([0, 1, 3, 500])('is a JSON array, made at once: %i events', (count) => {
    const page = pageOf(count, 'Hello');
    const body = eventArrayBody(page);
    expect(body).toBeInstanceOf(Uint8Array);
    expect(Buffer.from(body as Uint8Array).toString()).toBe(`[${eventJsons(page).join(',')}]`);
  });

  it.each([
    ['many events', 6000, 'Hello 🌦️'],
    ['a long message, which each event repeats', 10, '🌦️'.repeat(50_000)],
  ])('is the same, made piece by piece, for %s', async (_what, count, message) => {
    const page = pageOf(count, message);
    const body = eventArrayBody(page);
    expect(body).toBeInstanceOf(ReadableStream);
    const pieces: Uint8Array[] = [];
    for await (const piece of body as ReadableStream<Uint8Array>) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(5);
    expect(Buffer.concat(pieces).toString()).toBe(`[${eventJsons(page).join(',')}]`);
  });
});

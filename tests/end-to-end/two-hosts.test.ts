import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { type AgentApi, finalEvents, newThreadId, streamEvents } from '../support/agent-api.js';
import { type DurableService, durableServices } from '../support/durable-services.js';
import { createGate, type Gate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import { type RestartableApp, startRestartableApp } from '../support/restartable-app.js';
import { type ModelAnswer, modelSettings, type ScriptedModel, startScriptedModel } from '../support/scripted-model.js';
import type { SseConnection } from '../support/sse-connection.js';

const PIECES = 60;
/** A message whose answer ends when the test allows it. */
const heldMessage = 'Tell me something slowly';
/** A message whose first answer stalls halfway. */
const cutMessage = 'Tell me something';
/** A message whose answer stalls after its first word. */
const silentMessage = 'Think about it';
/** The answer to the first two messages. */
const pieces = numberedPieces(PIECES);
const answer = pieces.join('');
const halfPieces = pieces.slice(0, 20);
const half = halfPieces.join('');

for (const kind of durableServices) {
  // Each host keeps its entities in its own folder, so they share only the store.
  describe.skipIf(kind.isMissing)(`two hosts on one store: ${kind.name}`, () => {
    let service: DurableService;
    let model: ScriptedModel;
    let first: RestartableApp;
    let second: RestartableApp;
    let answerMayEnd: Gate;

    beforeAll(async () => {
      let isCut = false;
      answerMayEnd = createGate();
      const script = (asked: string): ModelAnswer => {
        if (asked === heldMessage) return { pieces: holdLast(pieces, answerMayEnd), pauseMs: 40 };
        if (asked === silentMessage) return { pieces: ['Hm'], end: 'silence' };
        if (asked !== cutMessage) return { pieces: ['Hi.'] };
        if (isCut) return { pieces, pauseMs: 5 };
        isCut = true;
        return { pieces: halfPieces, end: 'silence' };
      };
      [service, model] = await Promise.all([kind.start(), startScriptedModel(script)]);
      const settings = {
        ...service.settings,
        ...modelSettings(model),
      };
      [first, second] = (await Promise.all([1, 2].map(() => startRestartableApp(settings)))) as [
        RestartableApp,
        RestartableApp,
      ];
    });

    afterAll(async () => {
      await Promise.all([first.stop(), second.stop()]);
      await Promise.all([model.close(), service.close()]);
    });

    it('the second can cancel a run of the first', async () => {
      const threadId = newThreadId();
      const waiting = first.api.run({ message: silentMessage, thread_id: threadId });
      await expect.poll(() => second.api.events(threadId)).toHaveLength(1);
      const id = (await second.api.events(threadId))[0]?.correlation_id ?? '';
      expect(await second.api.readRun(threadId, id)).toMatchObject({ status: 'running' });

      expect((await second.api.runs('POST', threadId, `/${id}/cancel`)).status).toBe(202);

      // Nothing else closes the silent connection: its time limit is a minute.
      await expect.poll(() => model.abandonedCount, { timeout: 20_000 }).toBe(1);
      expect(JSON.parse((await waiting).text)).toMatchObject({ error_code: 'cancelled' });
      for (const { api } of [first, second]) {
        expect(await api.readRun(threadId, id)).toMatchObject({ status: 'cancelled' });
        expect(await api.events(threadId)).toMatchObject([{ event_type: 'stream' }, { error_code: 'cancelled' }]);
      }
    });

    it('a queued run of the first never starts after the second has cancelled it', async () => {
      const threadId = newThreadId();
      const abandoned = model.abandonedCount;
      const running = first.api.run({ message: silentMessage, thread_id: threadId });
      await expect.poll(() => second.api.events(threadId)).toHaveLength(1);
      const waiting = first.api.run({ message: 'Never asked', thread_id: threadId });
      const runs = async () => JSON.parse((await second.api.runs('GET', threadId)).text);
      await expect.poll(runs).toMatchObject([{ status: 'queued' }, { status: 'running' }]);
      const [queued, earlier] = await runs();

      expect((await second.api.runs('POST', threadId, `/${queued.correlation_id}/cancel`)).status).toBe(202);

      expect(JSON.parse((await waiting).text)).toMatchObject({ error_code: 'cancelled' });
      expect(model.abandonedCount).toBe(abandoned);
      await second.api.runs('POST', threadId, `/${earlier.correlation_id}/cancel`);
      await running;
      expect(await first.api.ask(threadId, 'Hello')).toMatchObject({ response: 'Hi.' });
      const asked = model.requests.map(({ body }) => body.messages.at(-1)?.content);
      expect(asked).not.toContain('Never asked');
    });

    it('the second shows a run of the first while it continues', async () => {
      const threadId = newThreadId();
      const reader = await second.api.stream(threadId);
      const longPoll = second.api.poll(threadId, '?wait=30');
      let isAnswered = false;
      const run = first.api.ask(threadId, heldMessage).finally(() => {
        isAnswered = true;
      });
      const polled: CallbackEvent[] = JSON.parse((await longPoll).text);
      expect(polled.length).toBeGreaterThan(0);
      await reader.until(({ events }) => events.length > 10);
      expect([isAnswered, reader.names.includes('final')]).toEqual([false, false]);
      answerMayEnd.open();
      expect((await run).response).toBe(answer);
      await reader.until(({ names }) => names.at(-1) === 'final');
      reader.leave();

      const events = await first.api.events(threadId);
      expect(events.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: PIECES + 1 }, (_, index) => index + 1),
      );
      expect(reader.events).toEqual(events);
      expect(events.slice(0, polled.length)).toEqual(polled);
      await expect.poll(() => sameAnswers(threadId, '', first.api, second.api)).toContain('"event_type":"final"');
      await expect
        .poll(() => threadAt(second.api, threadId))
        .toMatchObject({ thread_id: threadId, event_count: PIECES + 1, run_count: 1 });
      expect(await threadAt(first.api, threadId)).toEqual(await threadAt(second.api, threadId));
    });

    it('a reader of the first gets a reset when the second deletes the events', async () => {
      const threadId = newThreadId();
      await first.api.ask(threadId, 'Hello');
      const reader = await first.api.stream(threadId);
      await reader.until(({ names }) => names.includes('final'));
      expect(await second.api.callbacks('DELETE', threadId)).toMatchObject({ status: 204 });
      await reader.until(({ names }) => names.at(-1) === 'reset');
      expect(await first.api.events(threadId)).toEqual([]);

      const seen = reader.events.length;
      await first.api.ask(threadId, 'Hello again');
      await reader.until(({ names }) => names.at(-1) === 'final');
      reader.leave();
      const events = await second.api.events(threadId);
      expect(events.map(({ sequence }) => sequence)).toEqual([3, 4]);
      expect(reader.events.slice(seen)).toEqual(events);
    });

    it('both show one complete answer after the first is killed during it and restarted', async () => {
      const threadId = newThreadId();
      const askedBefore = model.requests.length;
      const headers = { 'idempotency-key': threadId };
      const [here, elsewhere] = [await first.api.stream(threadId), await second.api.stream(threadId)];
      const cutOff = first.api.run({ message: cutMessage, thread_id: threadId }, { headers }).catch(String);
      await Promise.all([here, elsewhere].map((reader) => reader.until(({ events }) => textOf(events) === half)));
      await first.killAndRestart();
      expect(await cutOff).toMatch(/socket hang up|ECONNRESET/);

      const again = await first.api.stream(threadId, '', { 'last-event-id': here.received.lastId ?? '' });
      await Promise.all([again, elsewhere].map((reader) => reader.until(({ names }) => names.includes('final'))));
      for (const reader of [again, elsewhere]) reader.leave();
      expect(again.names[0]).toBe('superseded');
      expect(textAfterSuperseded(again)).toBe(answer);
      expect(textAfterSuperseded(elsewhere)).toBe(answer);

      const asked = await first.api.run({ message: cutMessage, thread_id: threadId }, { headers });
      expect(JSON.parse(asked.text)).toMatchObject({ status: 'success', response: answer, message_count: 2 });
      expect(model.requests.length - askedBefore).toBe(2);

      await expect.poll(() => sameAnswers(threadId, '', first.api, second.api)).toContain('"event_type":"final"');
      const events = await second.api.events(threadId);
      expect(textOf(events)).toBe(answer);
      expect(finalEvents(events)).toMatchObject([{ attempt: 2, response_text: answer }]);
      expect(events.every(({ attempt }) => attempt === 2)).toBe(true);

      const all: CallbackEvent[] = JSON.parse(await sameAnswers(threadId, '?superseded=true', first.api, second.api));
      expect(textOf(all.filter(({ attempt }) => attempt === 1))).toBe(half);
      expect(all.filter(({ attempt }) => attempt !== 1)).toEqual(events);
      expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, index) => index + 1));
    });
  });
}

/** The events that both hosts serve for a thread. Fails if the hosts differ. */
async function sameAnswers(threadId: string, query: string, ...[one, other]: readonly [AgentApi, AgentApi]) {
  const texts = [await one.poll(threadId, query), await other.poll(threadId, query)].map(({ text }) => text);
  if (texts[0] !== texts[1]) throw new Error(`The hosts differ: ${texts.join('\n')}`);
  return texts[0] ?? '';
}

/** A thread in the list of a host. */
async function threadAt(api: AgentApi, threadId: string): Promise<unknown> {
  const threads: { thread_id: string }[] = JSON.parse((await api.call('GET', 'agents/CallbackAgent/threads')).text);
  return threads.find((thread) => thread.thread_id === threadId);
}

function textOf(events: readonly CallbackEvent[]): string {
  return streamEvents(events)
    .map(({ text }) => text)
    .join('');
}

/** The answer text of a reader that drops superseded events. */
function textAfterSuperseded({ received: { events } }: SseConnection): string {
  const from = events.findLastIndex(({ event }) => event === 'superseded') + 1;
  if (from === 0) return 'never superseded';
  return textOf(events.slice(from).map(({ data }): CallbackEvent => JSON.parse(data)));
}

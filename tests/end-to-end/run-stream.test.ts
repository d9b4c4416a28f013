import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import type { ModelAnswer } from '../support/scripted-model.js';

const [firstMayEnd, secondMayEnd] = [createGate(), createGate()];
const answers: Readonly<Record<string, ModelAnswer>> = {
  'a slow answer': { pieces: holdLast(numberedPieces(40), firstMayEnd), pauseMs: 50 },
  'another slow answer': { pieces: holdLast(numberedPieces(40), secondMayEnd), pauseMs: 50 },
  'a cut connection': { pieces: ['It', ' is'], end: 'cut' },
};

describe('a run whose caller accepts server-sent events', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => answers[message] ?? echoed(message));
  });

  afterAll(() => target.stop());

  it('streams while the model is still answering', async () => {
    const threadId = newThreadId();
    const reader = await target.api.streamRun({ message: 'a slow answer', thread_id: threadId });
    await reader.until(({ events }) => events.length > 2);
    expect(reader.names).not.toContain('final');
    firstMayEnd.open();
    await reader.ended;
    expect(reader.events).toEqual(await target.api.events(threadId));
    expect(reader.names.slice(-2)).toEqual(['final', 'result']);
  });

  it('streams its failure and ends with it as the result', async () => {
    const threadId = newThreadId();
    const reader = await target.api.streamRun({ message: 'a cut connection', thread_id: threadId });
    await reader.ended;
    expect(reader.events).toEqual(await target.api.events(threadId));
    expect(reader.names).toEqual(['stream', 'stream', 'failed', 'result']);
    expect(JSON.parse(reader.received.events.at(-1)?.data ?? '')).toMatchObject({
      error: expect.any(String),
      thread_id: threadId,
      status: 'error',
      error_code: 'connection_lost',
    });
  });

  it('is answered without a stream if the caller does not accept text/event-stream', async () => {
    for (const accept of ['*/*', 'text/*', 'application/json']) {
      const { headers } = await target.api.run({ message: 'Hello' }, { headers: { accept } });
      expect(headers['content-type']).toBe('application/json');
    }
  });

  it('completes when its reader disconnects, and the rest is on the stream of the thread', async () => {
    const threadId = newThreadId();
    const reader = await target.api.streamRun({ message: 'another slow answer', thread_id: threadId });
    await reader.until(({ events }) => events.length > 5);
    reader.leave();
    const { lastId, events } = reader.received;
    const { correlation_id: id } = JSON.parse(events[0]?.data ?? '');
    const resumed = await target.api.stream(threadId, `?until=run-end&correlation_id=${id}`, {
      'last-event-id': lastId ?? '',
    });
    secondMayEnd.open();
    await resumed.ended;
    const all = await target.api.events(threadId);
    expect([...reader.events, ...resumed.events]).toEqual(all);
    expect(streamEvents(all)).toHaveLength(40);
    expect(all.at(-1)?.event_type).toBe('final');
    expect(await target.api.ask(threadId, 'Hello')).toMatchObject({ message_count: 4 });
  });
});

import { describe, expect, it } from 'vitest';
import { finalEvents, newThreadId } from '../support/agent-api.js';
import { callbackEventsOf, parseSse } from '../support/sse-events.js';
import { contractApi } from './contract-target.js';

/** Creates a key that no earlier request has used. */
const newKey = newThreadId;
const keyed = (key: string, others: Readonly<Record<string, string>> = {}) => ({
  headers: { 'idempotency-key': key, ...others },
});

describe('POST agents/{agent}/run with an Idempotency-Key', () => {
  const api = contractApi();

  it('returns the first answer again, byte for byte, without a second run', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    const fields = { message: ' Hello, 世界 😀 ', thread_id: threadId };
    const first = await api.run(fields, keyed(key));
    await api.ask(threadId, 'And tomorrow?');

    const second = await api.run(fields, keyed(key));

    expect(second).toMatchObject({ status: 200, text: first.text });
    expect(JSON.parse(first.text)).toMatchObject({
      thread_id: threadId,
      correlation_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      message_count: 2,
    });
    expect(finalEvents(await api.events(threadId))).toHaveLength(2);
  });

  it('starts one run for two simultaneous requests', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    const ask = () => api.run({ message: 'Hello', thread_id: threadId }, keyed(key));

    const [first, second] = await Promise.all([ask(), ask()]);

    expect(first).toMatchObject({ status: 200, text: second.text });
    expect(finalEvents(await api.events(threadId))).toHaveLength(1);
  });

  it('uses one new thread for repeated requests without a thread id', async () => {
    const key = newKey();

    const first = await api.run({ message: 'Hello' }, keyed(key));
    const second = await api.run({ message: 'Hello' }, keyed(key));
    const other = await api.run({ message: 'Hello' }, keyed(newKey()));

    expect(second.text).toBe(first.text);
    const [threadId, otherThreadId] = [first, other].map(({ text }) => JSON.parse(text).thread_id);
    expect(threadId).toMatch(/^[0-9a-f]{32}$/);
    expect(otherThreadId).not.toBe(threadId);
  });

  it('starts another run for another thread or another key', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    const calls = [
      { thread: threadId, key },
      { thread: newThreadId(), key },
      { thread: threadId, key: newKey() },
    ];

    const ids = await Promise.all(
      calls.map(async (call) => {
        const { text } = await api.run({ message: 'Hello', thread_id: call.thread }, keyed(call.key));
        return JSON.parse(text).correlation_id;
      }),
    );

    expect(new Set(ids).size).toBe(3);
  });

  it('is accepted each time if the request does not wait, and answered if it does', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    const fields = { message: 'Hello', thread_id: threadId };

    const first = await api.run({ ...fields, wait_for_response: false }, keyed(key));
    const answer = await api.run(fields, keyed(key));
    const second = await api.run({ ...fields, wait_for_response: false }, keyed(key));

    expect(first.status).toBe(202);
    expect(second).toMatchObject({ status: 202, text: first.text });
    expect(JSON.parse(answer.text)).toMatchObject({
      status: 'success',
      correlation_id: JSON.parse(first.text).correlation_id,
      message_count: 2,
    });
    expect(finalEvents(await api.events(threadId))).toHaveLength(1);
  });

  it('streams all events of the run, then its result', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    const fields = { message: 'Hello', thread_id: threadId };
    await api.ask(threadId, 'Something else');
    const { text: answer } = await api.run(fields, keyed(key));

    const streamed = await api.run(fields, keyed(key, { accept: 'text/event-stream' }));

    const { correlation_id: id } = JSON.parse(answer);
    expect(streamed.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-ms-correlation-id': id });
    const { events } = parseSse(streamed.text);
    expect(events.at(-1)).toMatchObject({ event: 'result', data: answer });
    const eventsOfRun = (await api.events(threadId)).filter((event) => event.correlation_id === id);
    expect(callbackEventsOf(events)).toMatchObject(eventsOfRun.map(({ sequence }) => ({ sequence })));
    expect(finalEvents(await api.events(threadId))).toHaveLength(2);
  });

  it('rejects another message, in the content type of the request, and starts no run', async () => {
    const [key, threadId] = [newKey(), newThreadId()];
    await api.run({ message: 'Hello', thread_id: threadId }, keyed(key));
    const other = { message: 'Hello!', thread_id: threadId };

    const answers = [
      await api.run(other, keyed(key)),
      await api.run({ ...other, wait_for_response: false }, keyed(key)),
      await api.run(other, keyed(key, { accept: 'text/event-stream' })),
    ];
    const inText = await api.post('Hello!', { query: `?thread_id=${threadId}`, ...keyed(key) });

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 409, headers: { 'content-type': 'application/json' } });
      expect(JSON.parse(answer.text)).toEqual({ error: expect.stringContaining('Idempotency-Key') });
    }
    expect(inText).toMatchObject({
      status: 409,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': threadId },
      text: JSON.parse(answers[0]?.text ?? '').error,
    });
    expect(finalEvents(await api.events(threadId))).toHaveLength(1);
  });

  it.each(['', 'a|b', 'a/b', 'two words', '"quoted"', 'x'.repeat(129)])('rejects the key %j', async (key) => {
    const answer = await api.post('Hello', keyed(key));

    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/^Invalid Idempotency-Key: expected /) });
  });
});

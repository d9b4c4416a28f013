import { describe, expect, it } from 'vitest';
import { finalEvents, newThreadId } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';

/** The even numbers, starting with 2. */
function messageCounts(runCount: number): number[] {
  return Array.from({ length: runCount }, (_, index) => 2 * (index + 1));
}

describe('a thread', () => {
  const api = contractApi();

  it.each(['auth0|1', 'chat;messageid=1', 'a+b@example.com', 'Jürgen 🌞', 'a#b?c', "it's %41", 'a~b'])(
    'may have an id with special characters: %s',
    async (suffix) => {
      const threadId = `${newThreadId()}-${suffix}`;

      const first = await api.ask(threadId, 'Hello');
      const second = await api.ask(threadId, 'Hello again');

      expect([first.thread_id, second.message_count]).toEqual([threadId, 4]);
      const events = await api.events(threadId);
      expect(finalEvents(events).map((event) => event.thread_id)).toEqual([threadId, threadId]);
      expect(await api.callbacks('DELETE', threadId)).toMatchObject({ status: 204 });
      expect(await api.events(threadId)).toEqual([]);
    },
  );

  it('remembers ten turns', async () => {
    const threadId = newThreadId();
    const counts: number[] = [];
    for (let turn = 1; turn <= 10; turn += 1) {
      counts.push((await api.ask(threadId, `Turn ${turn}`)).message_count);
    }
    expect(counts).toEqual(messageCounts(10));
    const events = await api.events(threadId);
    expect(finalEvents(events).map((event) => event.request_message)).toEqual(
      counts.map((_, index) => `Turn ${index + 1}`),
    );
  });

  it('keeps its own conversation while fifty threads run at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => api.ask(newThreadId(), `Message ${index}`)),
    );
    expect(answers.map(({ message }) => message)).toEqual(answers.map((_, index) => `Message ${index}`));
    for (const { thread_id: threadId, message, message_count: count } of answers) {
      expect(count).toBe(2);
      const events = await api.events(threadId);
      expect(events.every((event) => event.request_message === message)).toBe(true);
      expect(events.at(-1)?.sequence).toBe(events.length);
    }
  });

  it('executes twenty simultaneous runs one after another, each with the previous ones in its history', async () => {
    const threadId = newThreadId();
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const answer = await api.run({ message: `Message ${index}`, thread_id: threadId });
        const { correlation_id: id, message_count: count } = JSON.parse(answer.text);
        return { status: answer.status, id, count };
      }),
    );
    const events = await api.eventsOfEndedRuns(threadId, 20, { timeoutMs: 120_000 });
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_event, index) => index + 1));

    const runs = finalEvents(events).map((event) => event.correlation_id);
    const changesOfRun = events.filter((event, index) => event.correlation_id !== events[index - 1]?.correlation_id);
    expect(changesOfRun.map((event) => event.correlation_id)).toEqual(runs);

    // With a slow model the last runs take longer than a caller waits.
    const answered = answers.filter(({ status }) => status === 200);
    expect(answered.map(({ count }) => count)).toEqual(answered.map(({ id }) => 2 * (runs.indexOf(id) + 1)));
    expect(await api.ask(threadId, 'And now?')).toMatchObject({ message_count: 42 });
  }, 150_000);
});

import { describe, expect, it } from 'vitest';
import { conversationPage, storedTime } from '../../../src/durable-agents/thread/conversation.js';
import { parseThreadState, type ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';
import twoTurnsOfPython from '../../fixtures/thread-states/two-turns-of-python.json';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const text = (value: string) => ({ $type: 'text' as const, text: value });

/** A conversation with this number of turns: `Question 1`, `Answer 1`, … */
function turns(count: number): ThreadEntry[] {
  return Array.from({ length: count }, (_, index) =>
    turnEntries(`run-${index + 1}`, `Question ${index + 1}`, text(`Answer ${index + 1}`)),
  ).flat();
}

const textsOf = (page: ReturnType<typeof conversationPage>) => page.messages.map((message) => message.text);

describe('a page of a conversation', () => {
  it('contains the messages, without tool calls and their results', () => {
    const { messages, previous } = conversationPage(parseThreadState(twoTurnsOfPython), { limit: 100 });

    expect(messages).toEqual([
      {
        role: 'user',
        text: 'Tell me a short joke',
        created_at: '2026-01-07T15:40:00.123Z',
        correlation_id: '59650737951c41c2ab743c21cb257349',
        status: 'ok',
      },
      {
        role: 'assistant',
        text: 'Why did the cloud stay home? It was under the weather.',
        created_at: '2026-01-07T15:40:02.000Z',
        correlation_id: '59650737951c41c2ab743c21cb257349',
        status: 'ok',
        author: 'CallbackAgent',
      },
      expect.objectContaining({ role: 'user', text: 'What is the weather in Paris?' }),
      expect.objectContaining({ role: 'assistant', text: 'It is 72F and sunny in Paris.' }),
    ]);
    expect(previous).toBeUndefined();
  });

  it('marks both messages of a failed run with the reason', () => {
    const state = threadState(
      ...turnEntries('run-1', 'Hello?', { $type: 'error', message: 'The model is busy.', errorCode: 'rate_limited' }),
      ...turnEntries('run-2', 'Hello again', text('Hi.')),
    );

    const { messages } = conversationPage(state, { limit: 100 });

    expect(messages.map((message) => [message.text, message.status])).toEqual([
      ['Hello?', 'failed'],
      ['The model is busy.', 'failed'],
      ['Hello again', 'ok'],
      ['Hi.', 'ok'],
    ]);
  });

  it('ends at the newest message or before the given position, down to the first message', () => {
    const state = threadState(...turns(3));

    const last = conversationPage(state, { limit: 3 });
    const first = conversationPage(state, { limit: 3, before: last.previous });

    expect(textsOf(last)).toEqual(['Answer 2', 'Question 3', 'Answer 3']);
    expect(textsOf(first)).toEqual(['Question 1', 'Answer 1', 'Question 2']);
    expect(first.previous).toBeUndefined();
  });

  it('continues at the same message after turns were added and the oldest ones were dropped', () => {
    const { previous } = conversationPage(threadState(...turns(4)), { limit: 2 });
    const times = { firstEvictedAt: '2026-01-07T15:40:00.000Z', lastEvictedAt: '2026-01-07T15:40:00.000Z' };
    const later = parseThreadState({
      schemaVersion: '1.2.0',
      data: { conversationHistory: turns(6).slice(2), truncation: { evictedMessageCount: 2, ...times } },
    });

    const page = conversationPage(later, { limit: 10, before: previous });

    expect(textsOf(page)).toEqual(['Question 2', 'Answer 2', 'Question 3', 'Answer 3']);
  });

  it('accepts entries with only text, which other versions may write', () => {
    const state = parseThreadState({
      schemaVersion: '1.0.0',
      data: { conversationHistory: [{ messages: [{ role: 'user', contents: [text('Hi')] }] }] },
    });

    expect(conversationPage(state, { limit: 1 }).messages).toEqual([
      { role: 'user', text: 'Hi', created_at: null, correlation_id: null, status: 'ok' },
    ]);
  });

  it('shows the time and the author of each message, or the time of its entry, in UTC', () => {
    const hello = { role: 'assistant' as const, contents: [text('Hello')] };
    const state = threadState({
      $type: 'response',
      correlationId: 'run-1',
      createdAt: '2026-01-07T17:40:00+02:00',
      messages: [
        { ...hello, createdAt: '2026-01-07T15:41:00Z', authorName: 'Ann' },
        { ...hello, createdAt: null, authorName: null },
        { ...hello, createdAt: 'yesterday', authorName: '' },
      ],
    });

    const about = { role: 'assistant', text: 'Hello', correlation_id: 'run-1', status: 'ok' };
    expect(conversationPage(state, { limit: 9 }).messages).toEqual([
      { ...about, created_at: '2026-01-07T15:41:00.000Z', author: 'Ann' },
      { ...about, created_at: '2026-01-07T15:40:00.000Z' },
      { ...about, created_at: null },
    ]);
  });

  it('marks only the failed run, and a failed entry without a run only itself', () => {
    const error = { $type: 'error', message: null } as const;
    const state = threadState(
      { $type: 'request', messages: [{ role: 'user', contents: [text('One')] }] },
      { $type: 'errorResponse', messages: [{ role: 'assistant', contents: [text('No. '), error] }] },
      { $type: 'compaction', messages: [{ role: 'system', contents: [text('Two')] }, { role: 'system' }] },
      { $type: 'response' },
    );

    const { messages } = conversationPage(state, { limit: 9 });

    expect(messages.map((message) => [message.text, message.status])).toEqual([
      ['One', 'ok'],
      ['No. ', 'failed'],
      ['Two', 'ok'],
    ]);
  });

  it('has a previous page only if there is an earlier message with text', () => {
    const withoutText = { $type: 'response' as const, messages: [{ role: 'tool' as const, contents: [] }] };
    const state = threadState(withoutText, ...turns(1));

    expect(conversationPage(state, { limit: 2 }).previous).toBeUndefined();
    expect(conversationPage(state, { limit: 1 }).previous).toBe(2);
  });
});

describe('a stored time', () => {
  it.each([undefined, null, '', 'soon'])('is null if it is %j', (stored) => {
    expect(storedTime(stored)).toBeNull();
  });
});

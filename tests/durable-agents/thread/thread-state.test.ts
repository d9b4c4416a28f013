import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThreadStateError } from '../../../src/durable-agents/errors.js';
import {
  answerText,
  checkedEntry,
  createThreadState,
  findResponse,
  joinedText,
  ownedBy,
  ownerOf,
  parseThreadState,
  replayableMessages,
  responseError,
  messageText,
  type ThreadContent,
  type ThreadEntry,
  type ThreadMessage,
} from '../../../src/durable-agents/thread/thread-state.js';
import { finish, text } from '../../support/agent-parts.js';
import { runRequest } from '../../support/run-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { runAgentOnce } from '../../support/run-agent-once.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const stateOfPython: unknown = JSON.parse(
  readFileSync(path.resolve(__dirname, '../../fixtures/thread-states/two-turns-of-python.json'), 'utf8'),
);

const written = (state: unknown): unknown => JSON.parse(JSON.stringify(state));

const stateOf = (entry: unknown): unknown => ({
  schemaVersion: '1.1.0',
  data: { conversationHistory: [entry] },
});

const stateWith = (content: unknown): unknown =>
  stateOf({
    $type: 'response',
    correlationId: 'a',
    createdAt: '2026-01-07T15:40:00Z',
    messages: [{ role: 'assistant', contents: [content] }],
  });

const messages = (words: string): ThreadMessage[] => [{ role: 'user', contents: [{ $type: 'text', text: words }] }];

const said = (...contents: ThreadContent[]): ThreadMessage => ({ role: 'assistant', contents });

describe('a state written by the Python version', () => {
  it('is written back unchanged, including the order of its keys', () => {
    expect(JSON.stringify(parseThreadState(stateOfPython))).toBe(JSON.stringify(stateOfPython));
  });

  it('contains its answers', () => {
    const history = parseThreadState(stateOfPython).data.conversationHistory;

    const answers = ['59650737951c41c2ab743c21cb257349', '292ce8b9ff69497ab683f642515b2a80'].map((id) =>
      joinedText(findResponse(history, id)?.messages ?? []),
    );

    expect(answers).toEqual([
      'Why did the cloud stay home? It was under the weather.',
      'It is 72F and sunny in Paris.',
    ]);
    expect(findResponse(history, 'unknown')).toBeUndefined();
  });

  it('can be continued, with its tool calls replayed', async () => {
    const state = parseThreadState(stateOfPython);
    const agent = new ScriptedAgent([text('Cloudy.'), finish()]);

    const turn = await runAgentOnce(agent, { history: state.data.conversationHistory });

    expect(turn.history).toHaveLength(6);
    expect(written(threadState(...turn.history.slice(0, 4)))).toEqual(stateOfPython);
    expect(agent.calls[0]?.messages.flatMap(({ contents }) => contents)).toMatchObject([
      { $type: 'text', text: 'Tell me a short joke' },
      { $type: 'text' },
      { $type: 'text', text: 'What is the weather in Paris?' },
      { $type: 'functionCall', callId: 'call_1', name: 'get_weather', arguments: { location: 'Paris' } },
      { $type: 'functionResult', callId: 'call_1', result: '72F and sunny' },
      { $type: 'text', text: 'It is 72F and sunny in Paris.' },
      { $type: 'text', text: runRequest().message },
    ]);
  });
});

describe('a stored state', () => {
  it.each([undefined, null])('that is %s is a thread without entries', (stored) => {
    expect(parseThreadState(stored)).toEqual({ schemaVersion: '1.1.0', data: { conversationHistory: [] } });
    expect(parseThreadState(stored)).toEqual(createThreadState());
  });

  it.each(['1.0.0', '1.1.0', '1.2.0-beta', '1.99', '1'])('of version %s is read and keeps its version', (version) => {
    const stored = { schemaVersion: version, data: { conversationHistory: [] } };

    expect(parseThreadState(stored)).toEqual(stored);
  });

  it.each(['2.0.0', '0.9.0', '10.0.0', '', 'one', 'v1.1.0'])('of version "%s" is rejected by name', (version) => {
    const stored = { schemaVersion: version, data: { conversationHistory: [] } };

    expect(() => parseThreadState(stored)).toThrow(ThreadStateError);
    expect(() => parseThreadState(stored)).toThrow(`schema version ${version}`);
  });

  it.each([
    { what: 'text', stored: 'state' },
    { what: 'a number', stored: 1 },
    { what: 'an empty object', stored: {} },
    { what: 'an array', stored: [] },
    { what: 'a version that is a number', stored: { schemaVersion: 1.1, data: { conversationHistory: [] } } },
    { what: 'no data', stored: { schemaVersion: '1.1.0' } },
    { what: 'an entry of an unknown type', stored: stateOf({ $type: 'note' }) },
    { what: 'a correlation id that is a number', stored: stateOf({ $type: 'request', correlationId: 1 }) },
    { what: 'an unknown role', stored: stateOf({ messages: [{ role: 'developer', contents: [] }] }) },
    {
      what: 'arguments that are not an object',
      stored: stateWith({ $type: 'functionCall', callId: '1', name: 'a', arguments: false }),
    },
    { what: 'a content of an unknown type', stored: stateWith({ $type: 'soon' }) },
    { what: 'a hosted file without an id', stored: stateWith({ $type: 'hostedFile' }) },
    { what: 'a position below zero', stored: { schemaVersion: '1.2.0', data: { ingestedPositions: { w: -1 } } } },
    { what: 'a binding of version 2', stored: { schemaVersion: '1.2.0', data: { historyBinding: {} } } },
    { what: 'results of version 2', stored: { schemaVersion: '1.2.0', data: { terminalResults: [] } } },
    { what: 'a content without a type', stored: stateWith({ text: 'Hi' }) },
    { what: 'a text without text', stored: stateWith({ $type: 'text' }) },
  ])('that is or contains $what is rejected', ({ stored }) => {
    expect(() => parseThreadState(stored)).toThrow(ThreadStateError);
  });

  it('is rejected with the place of the problem, but without content', () => {
    expect(() => parseThreadState(stateWith({ $type: 'text', text: { secret: 'words' } }))).toThrow(
      /^The stored state of this thread does not follow schema version 1\.1\.0, at data\.conversationHistory\.0/,
    );
    expect(() => parseThreadState(stateWith({ $type: 'text', text: { secret: 'words' } }))).not.toThrow('secret');
  });

  it.each([
    {
      what: 'without a type',
      entry: { messages: [{ role: 'user', contents: [{ $type: 'unknown', content: null }] }] },
    },
    { what: 'without any key', entry: {} },
    { what: 'without a correlation id', entry: { $type: 'response', createdAt: 'later', messages: [] } },
    { what: 'with a blank correlation id', entry: { $type: 'response', correlationId: ' ', messages: [] } },
    { what: 'without a time and messages', entry: { $type: 'request', correlationId: 'a' } },
    { what: 'with a message without contents', entry: { $type: 'response', messages: [{ role: 'assistant' }] } },
    { what: 'of type errorResponse', entry: { $type: 'errorResponse', correlationId: 'a', messages: [] } },
    { what: 'of type compaction', entry: { $type: 'compaction', messages: [{ role: 'system', contents: [] }] } },
    { what: 'with extension data', entry: { $type: 'request', messages: [], extensionData: null } },
  ])('may contain an entry $what, which is kept when the thread continues', async ({ entry }) => {
    const stored = parseThreadState(stateOf(entry));

    const { history } = await runAgentOnce(new ScriptedAgent([text('Cloudy.'), finish()]), {
      history: stored.data.conversationHistory,
    });

    expect(written(history[0])).toEqual(entry);
    expect(history).toHaveLength(3);
  });

  it('may have no history, but data of version 1.2', () => {
    const data = {
      session: { id: 'a' },
      expirationTimeUtc: null,
      ingestedPositions: { writer: 3 },
      truncation: { evictedMessageCount: 1, firstEvictedAt: 'then' },
    };

    const state = parseThreadState({ schemaVersion: '1.2.0', data });

    expect(state).toEqual({ schemaVersion: '1.2.0', data: { ...data, conversationHistory: [] } });
  });

  it('keeps unknown properties at every level', () => {
    const names = fc.string({ minLength: 1 }).map((name) => `x-${name}`);
    const extras = fc.dictionary(names, fc.jsonValue());
    fc.assert(
      fc.property(fc.array(extras, { minLength: 6, maxLength: 6 }), (levels) => {
        const [state, data, entry, message, content, usage] = levels;
        const stored = {
          schemaVersion: '1.1.0',
          data: {
            conversationHistory: [
              {
                $type: 'response',
                correlationId: 'a',
                createdAt: '2026-01-07T15:40:00Z',
                messages: [{ role: 'assistant', contents: [{ $type: 'text', text: 'Hi', ...content }], ...message }],
                usage: { inputTokenCount: 1, ...usage },
                ...entry,
              },
            ],
            ...data,
          },
          ...state,
        };
        expect(written(parseThreadState(stored))).toEqual(written(stored));
      }),
    );
  });

  it('keeps nulls for optional values', () => {
    const message = { role: 'user', contents: [{ $type: 'error', message: null, errorCode: null, details: null }] };
    const entry = { correlationId: 'a', createdAt: '2026-01-07T15:40:00Z' };
    const stored = {
      schemaVersion: '1.1.0',
      data: {
        conversationHistory: [
          {
            $type: 'request',
            ...entry,
            messages: [{ ...message, createdAt: null, authorName: null }],
            orchestrationId: null,
            responseType: null,
            responseSchema: null,
          },
          { $type: 'response', ...entry, messages: [], usage: null },
          {
            $type: 'response',
            ...entry,
            messages: [],
            usage: { inputTokenCount: null, outputTokenCount: null, totalTokenCount: null, extensionData: null },
          },
        ],
      },
    };

    expect(parseThreadState(stored)).toEqual(stored);
  });

  it.each([
    { $type: 'text', text: '' },
    { $type: 'reasoning', text: 'Hm.' },
    { $type: 'error', message: 'No.', errorCode: 'rate_limited', details: 'Later.' },
    { $type: 'functionCall', callId: '1', name: 'get_weather', arguments: '{"location":"Paris"}' },
    { $type: 'functionCall', callId: '1', name: 'get_weather' },
    { $type: 'functionResult', callId: '1', result: { temperature: 72 } },
    { $type: 'functionResult', callId: '1' },
    { $type: 'data', uri: 'data:image/png;base64,AA==', mediaType: 'image/png' },
    { $type: 'uri', uri: 'https://images.example/1.png', mediaType: 'image/png' },
    { $type: 'data', uri: 'data:,Hello' },
    { $type: 'reasoning' },
    { $type: 'error' },
    { $type: 'error', details: { retry: [1] } },
    { $type: 'unknown', content: null },
    { $type: 'hostedFile', fileId: 'file-1' },
    { $type: 'hostedVectorStore', vectorStoreId: 'store-1' },
    { $type: 'usage', usage: { inputTokenCount: 1 } },
    { $type: 'unknown', content: { anything: [1] } },
  ])('keeps a content of type $$type', (content) => {
    expect(parseThreadState(stateWith(content))).toEqual(stateWith(content));
  });

  it('is written with $type first, wherever it was', () => {
    const state = parseThreadState(
      stateOf({
        messages: [
          {
            contents: [
              { text: 'Hi', $type: 'text' },
              { content: 1, $type: 'unknown' },
            ],
            role: 'user',
          },
        ],
        createdAt: '2026-01-07T15:40:00Z',
        correlationId: 'a',
        $type: 'request',
      }),
    );

    const [entry] = state.data.conversationHistory;
    const typed = [entry, ...(entry?.messages?.[0]?.contents ?? [])];
    expect(typed.map((object) => Object.keys(object ?? {})[0])).toEqual(['$type', '$type', '$type']);
  });
});

describe('reading a history', () => {
  it('joins message texts with newlines, without reasoning and empty messages', () => {
    const joined = joinedText([
      said({ $type: 'reasoning', text: 'Hm.' }, { $type: 'text', text: 'One ' }, { $type: 'text', text: 'line' }),
      said({ $type: 'functionCall', callId: '1', name: 'get_weather' }),
      said({ $type: 'text', text: 'Another' }),
    ]);

    expect(joined).toBe('One line\nAnother');
  });

  it('finds the error of a failed turn, and none in an answered one', () => {
    const error = { $type: 'error', message: 'No.', errorCode: 'rate_limited' } as const;
    const errors = [...turnEntries('1', 'One', error), ...turnEntries('2', 'Two', { $type: 'text', text: 'Yes.' })];

    expect(errors.map(responseError)).toEqual([undefined, error, undefined, undefined]);
  });

  it('replays a compaction and an entry without a type, but no error response with its request', () => {
    const replayed = replayableMessages([
      { $type: 'compaction', messages: messages('So far: hello.') },
      { messages: messages('Untyped') },
      { $type: 'request', correlationId: 'a', messages: messages('Failed request') },
      { $type: 'errorResponse', correlationId: 'a', messages: messages('It failed.') },
      { $type: 'errorResponse', messages: messages('It failed, too.') },
      { $type: 'response', messages: [{ role: 'assistant' }] },
      { $type: 'response', messages: messages('Answer') },
    ]);

    expect(replayed.map(messageText)).toEqual(['So far: hello.', 'Untyped', 'Answer']);
  });

  it('returns an error response as the failure of its run', () => {
    const history: ThreadEntry[] = [
      { $type: 'errorResponse', correlationId: 'a', messages: [said({ $type: 'text', text: 'No.' })] },
    ];

    expect(findResponse(history, 'a')).toBe(history[0]);
    expect(history.map(responseError)).toMatchObject([{ message: 'No.' }]);
  });

  it('replays entries unchanged, and does not modify the history', () => {
    const history = turnEntries('1', 'One', { $type: 'reasoning', text: 'Hm.' }, { $type: 'text', text: 'First.' });
    const before = written(history);

    expect(replayableMessages(history)).toEqual([
      { role: 'user', contents: [{ $type: 'text', text: 'One' }] },
      { role: 'assistant', contents: [{ $type: 'text', text: 'First.' }] },
    ]);
    expect(written(history)).toEqual(before);
  });
});

describe('the answer of a run', () => {
  it('consists of the texts after the last tool call or result', () => {
    const call = said({ $type: 'functionCall', callId: '1', name: 'get_weather' });
    const result = said({ $type: 'functionResult', callId: '1', result: 'Sunny' });
    const say = (words: string) => said({ $type: 'text', text: words });

    expect(answerText([say('One'), say('Two')])).toBe('One\nTwo');
    expect(answerText([say('One'), call, say('Two'), result, say('Three'), say('Four')])).toBe('Three\nFour');
    expect(answerText([say('One'), call, say('Two')])).toBe('Two');
    expect(answerText([{ role: 'assistant' }, ...messages('One')])).toBe('One');
    expect(answerText(undefined)).toBe('');
    expect(joinedText(undefined)).toBe('');
  });

  it('is that of the run with the id, not of its request', () => {
    const history = [...turnEntries('a', 'A', { $type: 'text', text: 'a' }), ...turnEntries('b', 'B')];

    expect(findResponse(history, 'b')).toBe(history[3]);
    expect(findResponse(history.slice(0, 3), 'b')).toBeUndefined();
  });
});

describe('the owner of a thread', () => {
  it('is kept beside the extension data of others', () => {
    const state = { ...createThreadState(), data: { conversationHistory: [], extensionData: { other: 1 } } };

    const owned = ownedBy(state, 'ann');

    expect(owned.data['extensionData']).toEqual({ other: 1, ownerId: 'ann' });
    expect(ownerOf(owned)).toBe('ann');
    expect(ownerOf(ownedBy(owned, 'bob'))).toBe('bob');
    expect(ownerOf(state)).toBeUndefined();
  });
});

describe('an entry that is about to be stored', () => {
  it('is rejected if no version could read it', () => {
    const entry: ThreadEntry = { $type: 'response', correlationId: 'a', messages: messages('Hi') };
    expect(checkedEntry(entry)).toEqual(entry);
    expect(() => checkedEntry(JSON.parse('{"$type":"note"}'))).toThrow('"$type"');
  });
});

describe('the error of a response', () => {
  it('has no message if an error response has no text', () => {
    expect(responseError({ $type: 'errorResponse', messages: [{ role: 'assistant' }] })).toEqual({ $type: 'error' });
    expect(responseError({ $type: 'errorResponse' })).toEqual({ $type: 'error' });
    expect(responseError({ $type: 'response' })).toBeUndefined();
  });
});

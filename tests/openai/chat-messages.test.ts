import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  parseThreadState,
  replayableMessages,
  type ThreadContent,
  type ThreadMessage,
} from '../../src/durable-agents/thread/thread-state.js';
import { toChatMessages } from '../../src/openai/chat-messages.js';

const twoTurnsOfPython: unknown = JSON.parse(
  readFileSync(path.resolve(__dirname, '../fixtures/thread-states/two-turns-of-python.json'), 'utf8'),
);

const converted = (...messages: ThreadMessage[]) => toChatMessages('Be brief.', messages).slice(1);

const call = (callId: string, args?: Extract<ThreadContent, { $type: 'functionCall' }>['arguments']) =>
  ({ $type: 'functionCall', callId, name: 'look', ...(args !== undefined && { arguments: args }) }) as const;
const result = (callId: string, value?: unknown) =>
  ({ $type: 'functionResult', callId, ...(value !== undefined && { result: value }) }) as const;
const sent = (id: string, args: string) => ({ type: 'function', id, function: { name: 'look', arguments: args } });

describe('the messages for the model', () => {
  it('start with the instructions', () => {
    expect(toChatMessages('Be brief.', [])).toEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  it('contain the turns that the Python version stored, with their tool calls', () => {
    const history = parseThreadState(twoTurnsOfPython).data.conversationHistory;

    expect(converted(...replayableMessages(history))).toEqual([
      { role: 'user', content: 'Tell me a short joke' },
      { role: 'assistant', content: 'Why did the cloud stay home? It was under the weather.' },
      { role: 'user', content: 'What is the weather in Paris?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { type: 'function', id: 'call_1', function: { name: 'get_weather', arguments: '{"location":"Paris"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '72F and sunny' },
      { role: 'assistant', content: 'It is 72F and sunny in Paris.' },
    ]);
  });

  it.each<{ what: string; message: ThreadMessage; expected: object[] }>([
    {
      what: 'a system message',
      message: { role: 'system', contents: [{ $type: 'text', text: 'Answer in French.' }] },
      expected: [{ role: 'system', content: 'Answer in French.' }],
    },
    {
      what: 'texts of one message as one',
      message: {
        role: 'user',
        contents: [
          { $type: 'text', text: 'Hello ' },
          { $type: 'text', text: 'there' },
        ],
      },
      expected: [{ role: 'user', content: 'Hello there' }],
    },
    {
      what: 'images, by reference and as data',
      message: {
        role: 'user',
        contents: [
          { $type: 'text', text: 'What is this?' },
          { $type: 'uri', uri: 'https://images.example/1.png', mediaType: 'image/png' },
          { $type: 'data', uri: 'data:image/jpeg;base64,AA==', mediaType: 'image/jpeg' },
        ],
      },
      expected: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://images.example/1.png' } },
            { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AA==' } },
          ],
        },
      ],
    },
    {
      what: 'the text beside what is no image',
      message: {
        role: 'user',
        contents: [
          { $type: 'text', text: 'Read this.' },
          { $type: 'uri', uri: 'https://files.example/1.pdf', mediaType: 'application/pdf' },
          { $type: 'data', uri: 'data:,Hello' },
          { $type: 'hostedFile', fileId: 'file-1' },
        ],
      },
      expected: [{ role: 'user', content: 'Read this.' }],
    },
  ])('contain $what', ({ message, expected }) => {
    expect(converted(message)).toEqual(expected);
  });

  it('contain tool calls with arguments as text, as an object or absent, and a message for each result', () => {
    expect(
      converted(
        {
          role: 'assistant',
          contents: [{ $type: 'text', text: 'Let me see.' }, call('1', '{"x":1}'), call('2', { y: 2 }), call('3')],
        },
        { role: 'tool', contents: [result('3'), result('1', 'sunny'), result('2', { temperature: 72 })] },
      ),
    ).toEqual([
      {
        role: 'assistant',
        content: 'Let me see.',
        tool_calls: [sent('1', '{"x":1}'), sent('2', '{"y":2}'), sent('3', '{}')],
      },
      { role: 'tool', tool_call_id: '1', content: 'sunny' },
      { role: 'tool', tool_call_id: '2', content: '{"temperature":72}' },
      { role: 'tool', tool_call_id: '3', content: '' },
    ]);
  });

  it('add a placeholder result to a call without one, and omit a result without a call', () => {
    const missing = 'There is no result: the run ended before the call did.';
    expect(
      converted(
        { role: 'tool', contents: [result('0', 'of a turn that was dropped')] },
        { role: 'assistant', contents: [call('1'), call('2')] },
        { role: 'tool', contents: [result('2', 'sunny'), result('9', 'of no call')] },
        { role: 'user', contents: [{ $type: 'text', text: 'And now?' }] },
        { role: 'assistant', contents: [call('1')] },
      ),
    ).toEqual([
      { role: 'assistant', content: '', tool_calls: [sent('1', '{}'), sent('2', '{}')] },
      { role: 'tool', tool_call_id: '1', content: missing },
      { role: 'tool', tool_call_id: '2', content: 'sunny' },
      { role: 'user', content: 'And now?' },
      { role: 'assistant', content: '', tool_calls: [sent('1', '{}')] },
      { role: 'tool', tool_call_id: '1', content: missing },
    ]);
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  parseThreadState,
  replayableMessages,
  type ThreadMessage,
} from '../../src/durable-agents/thread/thread-state.js';
import { toChatMessages } from '../../src/openai/chat-messages.js';

const twoTurnsOfPython: unknown = JSON.parse(
  readFileSync(path.resolve(__dirname, '../fixtures/thread-states/two-turns-of-python.json'), 'utf8'),
);

const converted = (...messages: ThreadMessage[]) => toChatMessages('Be brief.', messages).slice(1);

describe('a conversation for the model', () => {
  it('begins with the instructions', () => {
    expect(toChatMessages('Be brief.', [])).toEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  it('holds the turns that the Python version stored, with their tool calls', () => {
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
    {
      what: 'several tool calls, whose arguments are text, an object or absent',
      message: {
        role: 'assistant',
        contents: [
          { $type: 'text', text: 'Let me see.' },
          { $type: 'functionCall', callId: '1', name: 'a', arguments: '{"x":1}' },
          { $type: 'functionCall', callId: '2', name: 'b', arguments: { y: 2 } },
          { $type: 'functionCall', callId: '3', name: 'c' },
        ],
      },
      expected: [
        {
          role: 'assistant',
          content: 'Let me see.',
          tool_calls: [
            { type: 'function', id: '1', function: { name: 'a', arguments: '{"x":1}' } },
            { type: 'function', id: '2', function: { name: 'b', arguments: '{"y":2}' } },
            { type: 'function', id: '3', function: { name: 'c', arguments: '{}' } },
          ],
        },
      ],
    },
    {
      what: 'several tool results as a message each',
      message: {
        role: 'tool',
        contents: [
          { $type: 'functionResult', callId: '1', result: 'sunny' },
          { $type: 'functionResult', callId: '2', result: { temperature: 72 } },
          { $type: 'functionResult', callId: '3' },
        ],
      },
      expected: [
        { role: 'tool', tool_call_id: '1', content: 'sunny' },
        { role: 'tool', tool_call_id: '2', content: '{"temperature":72}' },
        { role: 'tool', tool_call_id: '3', content: '' },
      ],
    },
  ])('holds $what', ({ message, expected }) => {
    expect(converted(message)).toEqual(expected);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelPart } from '../../src/durable-agents/tools/chat-model.js';
import { finish, text } from '../support/agent-parts.js';
import { partsOf } from '../support/ask-model.js';
import { chunk, completion, content, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

const paris = '{"location":"Paris"}';
const london = '{"location":"London"}';

const delta = (...calls: readonly object[]) => chunk({ tool_calls: calls });
const part = (args: string, { index, id, name }: { index?: number; id?: string | null; name?: string } = {}) => ({
  ...(index !== undefined && { index }),
  ...(id !== undefined && { id }),
  type: 'function',
  function: { ...(name !== undefined && { name }), arguments: args },
});
const call = (callId: string, args = paris, toolName = 'get_weather'): ModelPart => ({
  kind: 'tool_call',
  callId,
  toolName,
  arguments: args,
});

function deep(levels: number): object {
  return JSON.parse('{"a":'.repeat(levels) + '{}' + '}'.repeat(levels));
}

async function read(...chunks: readonly object[]): Promise<ModelPart[]> {
  const { endpoint } = await startModelServer(streamed([...chunks]));
  return partsOf({ endpoint });
}

describe('tool calls in a stream', () => {
  const name = 'get_weather';

  it.each<{ what: string; chunks: readonly object[]; calls: readonly ModelPart[] }>([
    {
      what: 'in pieces, as Azure OpenAI sends them',
      chunks: [
        delta(part('', { index: 0, id: 'a', name })),
        delta(part('{"location":', { index: 0 })),
        delta(part('"Paris"}', { index: 0 })),
      ],
      calls: [call('a')],
    },
    {
      what: 'in pieces of several calls at once, mixed',
      chunks: [
        delta(part('{"loc', { index: 0, id: 'a', name }), part('{"location":', { index: 1, id: 'b', name })),
        delta(part('"London"}', { index: 1 }), part('ation":"Paris"}', { index: 0 })),
      ],
      calls: [call('a'), call('b', london)],
    },
    {
      what: 'whole, all with index 0 and ids of their own',
      chunks: [delta(part(paris, { index: 0, id: 'a', name })), delta(part(london, { index: 0, id: 'b', name }))],
      calls: [call('a'), call('b', london)],
    },
    {
      what: 'without indexes and ids',
      chunks: [delta(part(paris, { name })), delta(part(london, { name }))],
      calls: [call(''), call('', london)],
    },
    {
      what: 'without indexes, in pieces',
      chunks: [delta(part('', { id: 'a', name })), delta(part('{"location":')), delta(part('"Paris"}'))],
      calls: [call('a')],
    },
    {
      what: 'whose id comes late',
      chunks: [delta(part('', { index: 0, id: null, name })), delta(part(paris, { index: 0, id: 'a' }))],
      calls: [call('a')],
    },
    {
      what: 'whose id and name are repeated with each piece',
      chunks: [
        delta(part('{"location":', { index: 0, id: 'a', name })),
        delta(part('"Paris"}', { index: 0, id: 'a', name })),
      ],
      calls: [call('a')],
    },
    {
      what: 'whose arguments are an object',
      chunks: [delta({ index: 0, id: 'a', function: { name, arguments: { location: 'Paris' } } })],
      calls: [call('a')],
    },
    { what: 'without arguments', chunks: [delta({ index: 0, id: 'a', function: { name } })], calls: [call('a', '')] },
  ])('are assembled: $what', async ({ chunks, calls }) => {
    expect(await read(...chunks, finishChunk('tool_calls'))).toEqual([...calls, finish()]);
  });

  it('have a cleaned name and id, and long ids stay whole', async () => {
    const long = `call_${'x'.repeat(5000)}`;
    const chunks = [
      delta(part('{}', { index: 0, id: 'a\u202E\nb', name: `x\n${'y'.repeat(100)}` })),
      delta(part(paris, { index: 1, id: long, name })),
    ];

    expect(await read(...chunks, finishChunk('tool_calls'))).toEqual([
      call('a b', '{}', `x ${'y'.repeat(62)}…`),
      call(long),
      finish(),
    ]);
  });

  it('fail the answer if their JSON is nested too deeply', async () => {
    const chunks = [delta({ index: 0, id: 'a', function: { name, arguments: deep(2000) } }), finishChunk()];
    await expect(read(...chunks)).rejects.toMatchObject({ code: 'malformed_response' });

    const { endpoint } = await startModelServer(answered(200, completion({ tool_calls: deep(2000) })));
    await expect(partsOf({ endpoint })).rejects.toMatchObject({ code: 'malformed_response' });
  });

  it('are accepted with another finish reason, and next to text', async () => {
    const parts = await read(
      content('Let me see.'),
      delta(part(paris, { index: 0, id: 'a', name })),
      finishChunk('stop'),
    );

    expect(parts).toEqual([text('Let me see.'), call('a'), finish()]);
  });

  it('are empty if the finish reason announces some next to text but none arrive', async () => {
    expect(await read(content('Sunny.'), finishChunk('tool_calls'))).toEqual([text('Sunny.'), finish()]);
  });

  it('are discarded if the stream is cut before its finish', async () => {
    await expect(read(delta(part(paris, { index: 0, id: 'a', name })))).rejects.toMatchObject({
      code: 'incomplete_response',
      recovery: 'retry',
    });
  });

  it('are the same however their arguments are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(paris.length), { maxLength: 6 }), async (cuts) => {
        const borders = [0, ...cuts.toSorted((a, b) => a - b), paris.length];
        const pieces = borders.slice(1).map((end, index) => paris.slice(borders[index], end));
        const chunks = pieces.map((piece, index) =>
          delta(part(piece, { index: 0, ...(index === 0 && { id: 'a', name }) })),
        );

        expect(await read(...chunks, finishChunk('tool_calls'))).toEqual([call('a'), finish()]);
      }),
      { numRuns: 20 },
    );
  });
});

it('an answer that is not streamed may contain tool calls', async () => {
  const message = {
    content: null,
    tool_calls: [part(paris, { id: 'a', name: 'get_weather' }), part('{}', { id: 'b', name: 'x' })],
  };
  const { endpoint } = await startModelServer(answered(200, completion(message, 'tool_calls')));

  expect(await partsOf({ endpoint, streaming: false })).toEqual([call('a'), call('b', '{}', 'x'), finish()]);
});

it('a model request contains tools as functions with their schema, or none', async () => {
  const { endpoint, requests } = await startModelServer(streamed([content('Hi'), finishChunk()]));
  const parameters = { type: 'object', properties: {} };

  await partsOf({ endpoint, tools: [{ name: 'look', description: 'Looks.', parameters }] });
  await partsOf({ endpoint });

  expect(requests[0]?.body).toMatchObject({
    tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters } }],
  });
  expect(requests[1]?.body).not.toHaveProperty('tools');
});

it('a model request contains the response schema, strict if the schema allows it', async () => {
  const { endpoint, requests } = await startModelServer(streamed([content('{}'), finishChunk()]));
  const loose = { type: 'object', properties: { a: { type: 'string' } } };
  const strict = { ...loose, required: ['a'], additionalProperties: false };

  await partsOf({ endpoint, responseSchema: loose });
  await partsOf({ endpoint, responseSchema: strict });

  expect(requests.map(({ body }) => body)).toMatchObject([
    { response_format: { type: 'json_schema', json_schema: { name: 'response', schema: loose, strict: false } } },
    { response_format: { type: 'json_schema', json_schema: { name: 'response', schema: strict, strict: true } } },
  ]);
});

import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { outcomeAnswer } from '../../src/durable-agents/http/run-answer.js';
import { findOutcome } from '../../src/durable-agents/client/run-outcome.js';
import {
  answerFormatOf,
  checkResponseSchema,
  isStrictSchema,
  ResponseSchemaError,
} from '../../src/durable-agents/structured-output.js';
import { type JsonObject, responseError } from '../../src/durable-agents/thread/thread-state.js';
import { createModelAgent } from '../../src/durable-agents/tools/model-agent.js';
import { ScriptedChatModel } from '../../src/durable-agents/testing/scripted-chat-model.js';
import { finish, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { runRequest } from '../support/run-request.js';

const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, celsius: { type: 'number' } },
  required: ['city', 'celsius'],
  additionalProperties: false,
};
const request = runRequest({ responseSchema: schema });

async function answer(words: string, run = request) {
  const model = new ScriptedChatModel([text(words), finish()]);
  const callback = new RecordingCallback();
  const result = await runAgentOnce(createModelAgent({ name: 'Agent', model }), { request: run, callback });
  return { ...result, model, callback };
}

describe('an answer that must match a schema', () => {
  it('is requested with the schema, and returned as text and then as JSON', async () => {
    const words = '{"city":"Paris","celsius":22}';
    const { model, history } = await answer(words);

    expect(model.requests[0]?.responseSchema).toEqual(schema);
    expect(history[0]).toMatchObject({ $type: 'request', responseSchema: schema });
    const outcome = findOutcome(history, request.correlationId);
    const { json } = outcomeAnswer(request, 'thread-1', outcome!);
    expect(json).toMatchObject({ response: words, status: 'success' });
    expect(Object.entries(json).at(-1)).toEqual(['structured_response', { city: 'Paris', celsius: 22 }]);
  });

  it.each([
    ['It is 22 degrees.', 'The answer is not JSON.'],
    ['{"city":"Paris"}', /^The answer does not fit the response_format\. celsius: .*expected number/],
    ['{"city":"Paris","celsius":22,"sky":"blue"}', /Unrecognized key/],
  ])('fails the run if it does not fit: %s', async (words, message) => {
    const { response, callback } = await answer(words);

    expect(responseError(response)?.errorCode).toBe('invalid_structured_output');
    expect(callback.errors[0]?.message).toMatch(message);
    expect(callback.responses).toEqual([]);
  });
});

describe('the failure of an answer that does not match its schema', () => {
  it('does not quote an answer that is not JSON in the log', async () => {
    const { log } = await answer('It is 22 degrees.');

    const line = log.lines.find((each) => each.includes('run failed'));
    expect(line).toMatch(/invalid_structured_output: The answer is not JSON\. \(thread/);
  });

  it('quotes property names only shortened and on one line', async () => {
    const name = `sky\n\u202E${'x'.repeat(10_000)}`;
    const { callback } = await answer(JSON.stringify({ city: 'Paris', celsius: 22, [name]: 'blue' }));

    const message = callback.errors[0]?.message ?? '';
    expect(message).toMatch(/Unrecognized key: "sky x+…$/);
    expect(message.length).toBeLessThan(600);
  });
});

describe('an agent with a response schema', () => {
  const Address = z.object({ mail: z.email(), zip: z.string().transform(Number) });
  const agentThatSays = (words: string) => {
    const model = new ScriptedChatModel(words);
    return { model, agent: createModelAgent({ name: 'Agent', model, responseSchema: Address }) };
  };

  it('passes the schema to the model, and parses its answers', async () => {
    const { model, agent } = agentThatSays('{"mail":"a@example.com","zip":"12345"}');
    const callback = new RecordingCallback();

    const { history } = await runAgentOnce(agent, { callback });

    const address = agent.answerFormat.parse(callback.responses[0]?.text ?? '');
    expectTypeOf(address).toEqualTypeOf<{ mail: string; zip: number }>();
    expect(address).toEqual({ mail: 'a@example.com', zip: 12_345 });
    const asked = { type: 'object', properties: { mail: { type: 'string', format: 'email' } } };
    expect(model.requests[0]?.responseSchema).toMatchObject(asked);
    expect(history[0]).toMatchObject({ $type: 'request', responseSchema: asked });
  });

  it('fails a run whose answer the zod schema rejects', async () => {
    const { response } = await runAgentOnce(agentThatSays('{"mail":"nobody","zip":"1"}').agent);

    expect(responseError(response)).toMatchObject({
      errorCode: 'invalid_structured_output',
      message: expect.stringContaining('mail: '),
    });
  });

  it('uses the schema of a request instead of its own', async () => {
    const { model, agent } = agentThatSays('{"city":"Paris","celsius":22}');

    const { response } = await runAgentOnce(agent, { request });

    expect(responseError(response)).toBeUndefined();
    expect(model.requests[0]?.responseSchema).toEqual(schema);
  });
});

it.each([
  [schema, true],
  [{ ...schema, additionalProperties: true }, false],
  [{ ...schema, required: ['city'] }, false],
  [{ ...schema, properties: { city: { type: 'object' } }, required: ['city'] }, false],
  [{ type: 'array', items: schema }, true],
])('a response schema is sent as strict only if models support that: %j', (given, isStrict) => {
  expect(isStrictSchema(given)).toBe(isStrict);
});

describe('a schema within another', () => {
  const places: [string, (inner: object) => JsonObject][] = [
    ...['properties', '$defs', 'definitions', 'dependentSchemas'].map(
      (keyword): [string, (inner: object) => JsonObject] => [
        keyword,
        (inner) => ({ [keyword]: { a: { type: 'string' }, b: inner } }),
      ],
    ),
    ...['anyOf', 'oneOf', 'allOf', 'prefixItems'].map((keyword): [string, (inner: object) => JsonObject] => [
      keyword,
      (inner) => ({ [keyword]: [{ type: 'string' }, inner] }),
    ]),
    ...['items', 'additionalProperties', 'not', 'contains', 'propertyNames'].map(
      (keyword): [string, (inner: object) => JsonObject] => [keyword, (inner) => ({ [keyword]: inner })],
    ),
  ];

  it.each(places)('is found in %s: it may contain no regular expression', (_keyword, around) => {
    expect(() => checkResponseSchema(around({ type: 'string', pattern: 'a' }))).toThrow(
      new ResponseSchemaError('the keyword pattern is not supported'),
    );
    expect(() => checkResponseSchema(around(around({ patternProperties: {} })))).toThrow(
      new ResponseSchemaError('the keyword patternProperties is not supported'),
    );
  });

  it.each(places)('is found in %s: it decides whether the schema is strict', (keyword, around) => {
    const whole = keyword === 'properties' ? { required: ['a', 'b'], additionalProperties: false } : {};

    expect(isStrictSchema({ ...around({ type: 'string' }), ...whole })).toBe(true);
    expect(isStrictSchema({ ...around({ type: 'object' }), ...whole })).toBe(false);
  });

  it('is no schema if it is not an object', () => {
    expect(isStrictSchema({ items: [{ type: 'object' }], anyOf: { a: { type: 'object' } }, not: null })).toBe(true);
    expect(isStrictSchema({ properties: [], type: 'object' })).toBe(false);
    expect(isStrictSchema({ properties: {}, required: 'a', additionalProperties: false })).toBe(true);
  });
});

describe('the format of answers', () => {
  const agent = createModelAgent({
    name: 'Agent',
    model: new ScriptedChatModel(),
    responseSchema: z.object({ zip: z.string().transform(Number) }),
  });

  it('of an agent has its JSON Schema without the dialect, and parses answers', () => {
    const format = answerFormatOf(agent, runRequest());

    expect(format?.schema).toMatchObject({ type: 'object', properties: { zip: { type: 'string' } } });
    expect(format?.schema).not.toHaveProperty('$schema');
    expect(format?.parse('{"zip":"10115"}')).toEqual({ zip: 10_115 });
  });

  it('of a request is its schema, and leaves answers unchanged', () => {
    const format = answerFormatOf(agent, runRequest({ responseSchema: schema }));

    expect(format?.schema).toBe(schema);
    expect(format?.parse('{"city":"Paris","celsius":22}')).toEqual({ city: 'Paris', celsius: 22 });
    expect(() => format?.parse('{"city":')).toThrow(
      expect.objectContaining({ code: 'invalid_structured_output', message: 'The answer is not JSON.' }),
    );
  });

  it('is missing if neither has one', () => {
    const plain = createModelAgent({ name: 'Agent', model: new ScriptedChatModel() });

    expect(answerFormatOf(plain, runRequest())).toBeUndefined();
  });
});

it('a schema that is refused says why, shortened', () => {
  const type = 'x'.repeat(500);

  expect(() => checkResponseSchema({ type })).toThrow(
    expect.objectContaining({ message: `Unsupported type: ${'x'.repeat(182)}`, cause: expect.any(Error) }),
  );
  expect(() => checkResponseSchema({ type: 'object', required: 5 })).toThrow('it is malformed');
});

describe('a hostile schema of a caller', () => {
  /** Each definition refers to the previous one twice, so a check takes 2^40 steps. */
  const doubled = Object.fromEntries(
    Array.from({ length: 40 }, (_, level) => {
      const $ref = `#/$defs/d${level - 1}`;
      return [`d${level}`, level === 0 ? { type: 'string' } : { allOf: [{ $ref }, { $ref }] }];
    }),
  );

  it.each([
    ['refers to itself', { $ref: '#' }, /nested too deeply or refers to itself/],
    ['takes exponential time', { $ref: '#/$defs/d39', $defs: doubled }, /takes longer than 1000 ms/],
    ['is nested too deeply', JSON.parse('{"not":'.repeat(50_000) + '{}' + '}'.repeat(50_000)), /./],
  ])('is rejected if it %s', (_what, hostile, problem) => {
    expect(() => checkResponseSchema(hostile)).toThrow(
      expect.objectContaining({ name: 'ResponseSchemaError', message: expect.stringMatching(problem) }),
    );
  });

  it('fails the run if checking the answer takes exponential time', async () => {
    const hostile = { type: 'object', properties: { a: { $ref: '#/$defs/d39' } }, $defs: doubled };
    checkResponseSchema(hostile);

    const { response } = await answer('{"a":1}', runRequest({ responseSchema: hostile }));

    expect(responseError(response)).toMatchObject({
      errorCode: 'invalid_structured_output',
      message: 'The answer cannot be checked against the response_format: it takes longer than 1000 ms.',
    });
  });

  it('is classified as strict or not, however deep and wide it is', () => {
    expect(isStrictSchema(JSON.parse('{"not":'.repeat(50_000) + '{}' + '}'.repeat(50_000)))).toBe(true);
    const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [index, {}]));
    expect(isStrictSchema({ properties: wide })).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { ModelAnswer } from '../../src/openai/model-answer.js';
import { reasoning, text } from '../support/agent-parts.js';
import { chunk, content, finishChunk } from '../support/model-chunks.js';

type Chunk = Readonly<Record<string, unknown>>;

function answerOf(chunks: readonly Chunk[], maxBytes = 1000): ModelAnswer {
  const answer = new ModelAnswer(maxBytes, (quoted) => quoted.replaceAll('secret', '***'));
  for (const one of chunks) answer.add(one);
  return answer;
}

const partsOf = (...chunks: readonly Chunk[]) => answerOf(chunks).takeParts();
const list = (...parts: readonly unknown[]) => chunk({ content: parts });
const usage = (input: unknown) => ({ usage: { prompt_tokens: input, completion_tokens: 2, total_tokens: 7 } });
const call = (name = 'note') => chunk({ tool_calls: [{ index: 0, id: 'a', function: { name, arguments: '{}' } }] });

const malformed = (problem: string) =>
  expect.objectContaining({ code: 'malformed_response', recovery: 'retry', cause: new Error(problem) });

describe('the parts of an answer', () => {
  it('are returned once, and a list that was returned does not grow', () => {
    const answer = answerOf([content('Sun')]);
    const [first, none] = [answer.takeParts(), answer.takeParts()];
    answer.add(content('ny.'));

    expect([first, none, answer.takeParts()]).toEqual([[text('Sun')], [], [text('ny.')]]);
  });

  it.each<[string, Chunk, readonly unknown[]]>([
    ['a delta', chunk({ content: 'Hi' }), [text('Hi')]],
    ['a message', { choices: [{ index: 0, message: { content: 'Hi' } }] }, [text('Hi')]],
    ['a choice without an index', { choices: [{ delta: { content: 'Hi' } }] }, [text('Hi')]],
    ['a choice with a null as index', { choices: [{ index: null, delta: { content: 'Hi' } }] }, [text('Hi')]],
    ['another choice', { choices: [{ index: 1, delta: { content: 'Hi' } }] }, []],
    ['no choices', {}, []],
    ['null as choices', { choices: null }, []],
    ['null as delta', { choices: [{ index: 0, delta: null }] }, []],
    ['null as content', chunk({ content: null }), []],
    ['reasoning_content', chunk({ reasoning_content: 'Hm' }), [reasoning('Hm')]],
    ['reasoning', chunk({ reasoning: 'Hm' }), [reasoning('Hm')]],
    ['thinking', chunk({ thinking: 'Hm' }), [reasoning('Hm')]],
    ['reasoning that is no text', chunk({ reasoning: { text: 'Hm' } }), []],
    ['a refusal after its content', chunk({ content: 'Hi', refusal: 'No' }), [text('Hi'), text('No')]],
    ['a refusal of null', chunk({ refusal: null }), []],
    [
      'a list of texts',
      list({ type: 'text', text: 'Hi' }, { type: 'output_text', text: 'Ho' }),
      [text('Hi'), text('Ho')],
    ],
    ['a refusal in a list', list({ type: 'refusal', refusal: 'No' }), [text('No')]],
    ['thinking in a list', list({ type: 'thinking', thinking: 'Hm' }), [reasoning('Hm')]],
    ['reasoning in a list', list({ type: 'reasoning', reasoning: 'Hm' }), [reasoning('Hm')]],
    ['reasoning with a text', list({ type: 'reasoning', text: 'Hm' }), [reasoning('Hm')]],
    ['reasoning with a summary', list({ type: 'reasoning', summary: [{ text: 'H' }, 'm'] }), [reasoning('Hm')]],
    ['a text with a value', list({ type: 'text', text: { value: 'Hi' } }), [text('Hi')]],
    ['a text that is no text', list({ type: 'text', text: 5 }, { type: 'text' }), []],
    ['parts of other types', list({ type: 'image_url', text: 'Hi' }, {}), []],
  ])('may come from %s', (_what, one, parts) => {
    expect(partsOf(one)).toEqual(parts);
  });

  it.each<[Chunk, string]>([
    [{ choices: 'x' }, 'choices are not a list'],
    [{ choices: [5] }, 'a choice is not an object'],
    [{ choices: [{ delta: 'x' }] }, 'a delta is not an object'],
    [{ choices: [{ delta: { content: 5 } }] }, 'a content is neither text nor a list'],
    [{ choices: [{ delta: { content: ['x'] } }] }, 'a part of a content is not an object'],
  ])('are malformed in %j', (broken, problem) => {
    expect(() => answerOf([broken])).toThrow(malformed(problem));
  });
});

describe('the source of an answer', () => {
  it('is the first id and model that are not empty', () => {
    const answer = answerOf([
      { id: '', model: '' },
      { id: 5, model: null },
      { id: 'a', model: 'm' },
      { id: 'b', model: 'n' },
    ]);

    expect({ id: answer.id, model: answer.model }).toEqual({ id: 'a', model: 'm' });
    expect(answerOf([]).id).toBeUndefined();
  });
});

describe('the size of an answer', () => {
  it.each<[string, Chunk]>([
    ['text', content('ä'.repeat(50))],
    ['reasoning', chunk({ reasoning: 'ä'.repeat(50) })],
    ['a refusal', chunk({ refusal: 'x'.repeat(100) })],
    ['a call', chunk({ tool_calls: [{ index: 0, function: { name: 'x'.repeat(36) } }] })],
  ])('counts %s', (_what, one) => {
    expect(answerOf([one], 100).hasBegun).toBe(true);
    expect(() => answerOf([one], 99)).toThrow(
      expect.objectContaining({
        code: 'answer_too_large',
        message: "The model's answer is longer than 99 bytes.",
        recovery: undefined,
      }),
    );
  });

  it('is the sum of all parts', () => {
    expect(() => answerOf([content('x'.repeat(60)), content('x'.repeat(40))], 100)).not.toThrow();
    expect(() => answerOf([content('x'.repeat(60)), content('x'.repeat(41))], 100)).toThrow('100 bytes');
  });

  it('is zero before anything is visible', () => {
    expect(answerOf([chunk({ role: 'assistant', content: '' }), finishChunk()]).hasBegun).toBe(false);
  });
});

describe('the end of an answer', () => {
  it.each([
    ['stop', 'stop'],
    ['end_turn', 'stop'],
    ['eos', 'stop'],
    ['eos_token', 'stop'],
    ['complete', 'stop'],
    ['stop_sequence', 'stop'],
    ['STOP', 'stop'],
    ['length', 'length'],
    ['max_tokens', 'length'],
    ['model_length', 'length'],
  ])('%s means %s', (reason, finishReason) => {
    expect(answerOf([finishChunk(reason)]).finish()).toEqual({ calls: [], finish: { kind: 'finish', finishReason } });
  });

  it.each(['tool_calls', 'tool_use', 'TOOL_CALLS'])('%s means that calls or a text were sent', (reason) => {
    const called = answerOf([call(), finishChunk(reason)]).finish();

    expect(called).toMatchObject({ calls: [{ toolName: 'note' }], finish: { finishReason: 'stop' } });
    expect(answerOf([content('Hi'), finishChunk(reason)]).finish()).toMatchObject({ finish: { finishReason: 'stop' } });
    expect(() => answerOf([chunk({ reasoning: 'Hm' }), finishChunk(reason)]).finish()).toThrow(
      expect.objectContaining({
        code: 'unexpected_finish_reason',
        message: 'The model announced tool calls and sent none.',
      }),
    );
  });

  it('may be unknown, which the error quotes without secrets', () => {
    expect(() => answerOf([finishChunk(`secret ${'x'.repeat(50)}`)]).finish()).toThrow(
      expect.objectContaining({
        code: 'unexpected_finish_reason',
        message: expect.stringMatching(/^The model ended its answer with "\*\*\* x{30,38}…?"\.$/),
      }),
    );
    expect(() => answerOf([finishChunk('function_call')]).finish()).toThrow('ended its answer with "function_call"');
  });

  it('is missing if no finish reason arrived', () => {
    expect(() => answerOf([content('It is'), finishChunk('')]).finish()).toThrow(
      expect.objectContaining({
        code: 'incomplete_response',
        message: 'The model stopped before its answer was complete.',
        recovery: 'retry',
      }),
    );
    expect(() => answerOf([]).finish()).toThrow(
      expect.objectContaining({
        code: 'empty_response',
        message: 'The model answered without any content.',
        recovery: 'retry',
      }),
    );
  });

  it('is the first reason, unless the filter withdraws the answer', () => {
    expect(answerOf([finishChunk('length'), finishChunk('stop')]).finish().finish.finishReason).toBe('length');
    expect(answerOf([finishChunk('length')]).isFinishing).toBe(true);
    expect(answerOf([content('Hi')]).isFinishing).toBe(false);
    const verdict = { choices: [{ index: 0, content_filter_results: { hate: { filtered: true } } }] };
    const later = { choices: [{ index: 0, content_filter_results: null }] };
    expect(() => answerOf([verdict, later, finishChunk('stop'), finishChunk('content_filter')]).finish()).toThrow(
      expect.objectContaining({ code: 'content_filter', message: expect.stringContaining('(hate)') }),
    );
  });

  it('has the last usage that is valid', () => {
    expect(answerOf([usage(4), usage(5), usage('many'), { usage: null }, finishChunk()]).finish().finish.usage).toEqual(
      {
        inputTokenCount: 5,
        outputTokenCount: 2,
        totalTokenCount: 7,
      },
    );
    expect(answerOf([finishChunk()]).finish().finish).not.toHaveProperty('usage');
  });
});

import { describe, expect, it } from 'vitest';
import type { AgentApprovalUpdate, AgentStreamPart } from '../../src/durable-agents/agent.js';
import { ResponseCollector } from '../../src/durable-agents/response-collector.js';
import type { JsonObject } from '../../src/durable-agents/thread/thread-state.js';
import { finish, reasoning, text } from '../support/agent-parts.js';

const NOW = new Date('2026-01-07T15:40:02.000Z');
const SUN = '\u{1F31E}';
const HALVES = [SUN.charAt(0), SUN.charAt(1)] as const;

function collect(...parts: readonly AgentStreamPart[]) {
  const collector = new ResponseCollector();
  const updates = parts.map((part) => collector.push(part));
  return { collector, updates, response: () => collector.response('Agent', NOW) };
}

const call = (callId: string, args: JsonObject = {}): AgentStreamPart => ({
  kind: 'tool_call',
  text: '',
  callId,
  toolName: 'note',
  arguments: args,
});
const result = (callId: string, value: unknown = 'noted'): AgentStreamPart => ({
  kind: 'tool_result',
  text: '',
  callId,
  toolName: 'note',
  result: value,
  isError: false,
  durationMs: 1,
});
const approval = (callId: string, fields: Partial<AgentApprovalUpdate> = {}): AgentApprovalUpdate => ({
  kind: 'approval',
  text: '',
  approvalId: 'id',
  callId,
  toolName: 'note',
  arguments: {},
  state: 'approved',
  expiresAt: 'later',
  ...fields,
});

const contentsOf = ({ response }: ReturnType<typeof collect>) =>
  response().messages.map(({ role, contents }) => [role, contents]);

describe('the response of a stream', () => {
  it('joins texts of one kind, and has the author, the time and the finish', () => {
    const usage = { inputTokenCount: 1, outputTokenCount: 2, totalTokenCount: 3 };
    const { response } = collect(reasoning('Hm'), reasoning('.'), text('Sun'), text('ny.'), finish({ usage }));

    expect(response()).toEqual({
      text: 'Sunny.',
      messages: [
        {
          role: 'assistant',
          contents: [
            { $type: 'reasoning', text: 'Hm.' },
            { $type: 'text', text: 'Sunny.' },
          ],
          createdAt: '2026-01-07T15:40:02.000Z',
          authorName: 'Agent',
        },
      ],
      finishReason: 'stop',
      usage,
    });
  });

  it('has no usage without one, and an empty text without any', () => {
    const { response } = collect(finish({ finishReason: 'length' }));

    expect(response()).toEqual({
      text: '',
      messages: [expect.objectContaining({ role: 'assistant', contents: [{ $type: 'text', text: '' }] })],
      finishReason: 'length',
    });
  });

  it('fails without a finish', () => {
    const { response } = collect(text('It is'));

    expect(response).toThrow(expect.objectContaining({ code: 'incomplete_response' }));
  });

  it('has a message for each round of calls and results, and ends with one of the assistant', () => {
    const collected = collect(text('Let me see.'), call('a'), result('a'), call('b'), result('b'), finish());

    expect(contentsOf(collected)).toEqual([
      [
        'assistant',
        [
          { $type: 'text', text: 'Let me see.' },
          { $type: 'functionCall', callId: 'a', name: 'note', arguments: {} },
        ],
      ],
      ['tool', [{ $type: 'functionResult', callId: 'a', result: 'noted' }]],
      ['assistant', [{ $type: 'functionCall', callId: 'b', name: 'note', arguments: {} }]],
      ['tool', [{ $type: 'functionResult', callId: 'b', result: 'noted' }]],
      ['assistant', [{ $type: 'text', text: '' }]],
    ]);
  });

  it('has results in the order of their calls, and unknown ones last', () => {
    const collected = collect(
      call('a'),
      call('b'),
      call('c'),
      result('x'),
      result('c'),
      result('a'),
      result('b'),
      finish(),
    );

    expect(contentsOf(collected)[1]?.[1]).toMatchObject([
      { callId: 'a' },
      { callId: 'b' },
      { callId: 'c' },
      { callId: 'x' },
    ]);
  });

  it('stores edited arguments of the newest call with their id, marked as edited', () => {
    const collected = collect(
      call('a', { amount: 1 }),
      result('a'),
      call('a', { amount: 20 }),
      call('b', { amount: 30 }),
      approval('a', { arguments: { amount: 5 }, argumentsEdited: true }),
      approval('b', { arguments: { amount: 7 } }),
      approval('unknown', { argumentsEdited: true }),
      result('a'),
      result('b'),
      finish(),
    );

    expect(contentsOf(collected)).toMatchObject([
      ['assistant', [{ callId: 'a', arguments: { amount: 1 } }]],
      ['tool', [{ callId: 'a' }]],
      [
        'assistant',
        [
          { callId: 'a', arguments: { amount: 5 }, argumentsEdited: true },
          { callId: 'b', arguments: { amount: 30 } },
        ],
      ],
      ['tool', [{ callId: 'a' }, { callId: 'b' }]],
      ['assistant', [{ text: '' }]],
    ]);
    expect(contentsOf(collected)[0]?.[1]).toEqual([
      { $type: 'functionCall', callId: 'a', name: 'note', arguments: { amount: 1 } },
    ]);
  });

  it('has plain JSON as results', () => {
    const collected = collect(call('a'), result('a', { at: new Date(0), big: 7n }), finish());

    expect(contentsOf(collected)[1]?.[1]).toEqual([
      { $type: 'functionResult', callId: 'a', result: { at: '1970-01-01T00:00:00.000Z', big: '[not JSON: bigint]' } },
    ]);
  });
});

describe('the updates of a stream', () => {
  it('are frozen, and have the number of their round from the second on', () => {
    const { updates } = collect(text('Hm.'), call('a', { list: [1] }), result('a', {}), text('Ok.'), finish());

    expect(updates.flat()).toEqual([
      { kind: 'text', text: 'Hm.' },
      { kind: 'tool_call', text: '', callId: 'a', toolName: 'note', arguments: { list: [1] } },
      { kind: 'tool_result', text: '', callId: 'a', toolName: 'note', result: {}, isError: false, durationMs: 1 },
      { kind: 'text', text: 'Ok.', round: 2 },
    ]);
    for (const update of updates.flat()) expect(Object.isFrozen(update)).toBe(true);
    const [, shown] = updates.flat();
    expect(shown?.kind === 'tool_call' && Object.isFrozen(shown.arguments)).toBe(true);
  });

  it('never split a surrogate pair, and replace half of one at the end of its kind', () => {
    const { updates, response } = collect(
      text(`It is ${HALVES[0]}`),
      text(`${HALVES[1]}!`),
      text(HALVES[0]),
      reasoning('Hm.'),
      finish(),
    );

    expect(updates).toEqual([
      [{ kind: 'text', text: 'It is ' }],
      [{ kind: 'text', text: `${SUN}!` }],
      [],
      [
        { kind: 'text', text: '\uFFFD' },
        { kind: 'reasoning', text: 'Hm.' },
      ],
      [],
    ]);
    expect(response().text).toBe(`It is ${SUN}!\uFFFD`);
  });

  it('show approvals, but neither waits nor empty text', () => {
    const { updates, collector } = collect(text(''), approval('a'), { kind: 'resumption' }, { kind: 'suspension' });

    expect(updates.map((shown) => shown.map(({ kind }) => kind))).toEqual([[], ['approval'], [], []]);
    expect(collector.isSuspended).toBe(true);
    expect(collect({ kind: 'resumption' }, finish()).collector.isSuspended).toBe(false);
  });

  it('count as visible as soon as there is text or a call', () => {
    expect(collect(text(''), text(HALVES[0])).collector.hasVisibleUpdates).toBe(false);
    expect(collect(reasoning('H')).collector.hasVisibleUpdates).toBe(true);
    expect(collect(call('a')).collector.hasVisibleUpdates).toBe(true);
  });
});

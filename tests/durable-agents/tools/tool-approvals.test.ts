import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Approval, ApprovalDecision } from '../../../src/durable-agents/approvals/approval.js';
import { RunApprovals } from '../../../src/durable-agents/approvals/run-approvals.js';
import { runAgent } from '../../../src/durable-agents/run-agent.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { type FinishedSteps, RunSteps } from '../../../src/durable-agents/tools/run-steps.js';
import { defineTool, type ToolOptions } from '../../../src/durable-agents/tools/tool.js';
import { finish, text } from '../../support/agent-parts.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { call } from './run-tools.js';

const parameters = z.object({ amount: z.number() });
const run = { agentName: 'PayAgent', threadId: 'thread-1', correlationId: runRequest().correlationId };

interface Delivery {
  readonly answers: readonly ScriptedAnswer[];
  readonly known?: readonly Approval[];
  readonly finished?: FinishedSteps;
  readonly needsApproval?: ToolOptions<typeof parameters>['needsApproval'];
  readonly isResumed?: boolean;
  /** Whether the run can ask for approval. */
  readonly canAsk?: boolean;
}

/** Delivers a run whose tool `pay` needs approval above 10. */
async function deliver(delivery: Delivery) {
  const { answers, known = [], finished, isResumed = false, canAsk = true } = delivery;
  const paid: number[] = [];
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    parameters,
    needsApproval: delivery.needsApproval ?? (({ amount }) => amount > 10),
    execute: ({ amount }) => {
      paid.push(amount);
      return `paid ${amount}`;
    },
  });
  const model = new ScriptedChatModel(...answers);
  const callback = new RecordingCallback();
  const log = createRecordingLog();
  const steps = new RunSteps({ run, finished, isAnswered: () => false, log });
  const approvals = new RunApprovals({ run, known, timeoutMs: 3_600_000, now: () => new Date() });
  const result = await runAgent({
    agent: createModelAgent({ name: 'PayAgent', model, tools: [pay] }),
    threadId: 'thread-1',
    request: runRequest(),
    history: [],
    callback,
    log,
    timeoutMs: 60_000,
    steps,
    isResumed,
    ...(canAsk && { approvals }),
  });
  const shown = callback.updates.map((update) => {
    if (update.kind === 'approval') return `approval ${update.callId} ${update.state}`;
    if (update.kind === 'tool_result') return `result ${update.callId}: ${String(update.result)}`;
    return update.kind === 'tool_call' ? `call ${update.callId}` : update.text;
  });
  return { result, model, paid, shown, approvals: approvals.all, steps, callback, lines: log.lines };
}

const asking: ScriptedAnswer = [
  text('Let me pay.'),
  call('pay', { amount: 20 }, 'a'),
  call('pay', { amount: 5 }, 'b'),
  call('pay', { amount: 30 }, 'c'),
  finish(),
];
const ending: ScriptedAnswer = [text('Done.'), finish()];

const decided = (approval: Approval, decision: Partial<ApprovalDecision> = {}): Approval => ({
  ...approval,
  decision: { state: 'approved', decidedAt: '2026-01-07T15:50:00.000Z', ...decision },
});

/** Delivers a run that waits, then again with decisions on its approvals. */
async function resume(...decisions: readonly (Partial<ApprovalDecision> | undefined)[]) {
  const first = await deliver({ answers: [asking] });
  const known = first.approvals.map((approval, index) => {
    const decision = decisions[index];
    return decision === undefined ? approval : decided(approval, decision);
  });
  return deliver({ answers: [ending], known, finished: first.steps.finished, isResumed: true });
}

describe('a run whose calls need approval', () => {
  it('makes the other calls, asks, and waits', async () => {
    const { result, shown, paid, approvals, callback } = await deliver({ answers: [asking] });

    expect(result.response).toBeUndefined();
    expect(shown).toEqual([
      'Let me pay.',
      'call a',
      'call b',
      'call c',
      'result b: paid 5',
      'approval a requested',
      'approval c requested',
    ]);
    expect(paid).toEqual([5]);
    expect(approvals).toMatchObject([
      { round: 1, index: 0, callId: 'a', arguments: { amount: 20 } },
      { round: 1, index: 2, callId: 'c', arguments: { amount: 30 } },
    ]);
    expect(callback.calls.at(-1)).toBe('onAgentSuspended');
  });

  it('waits on while one of them is undecided, and shows nothing again', async () => {
    const { result, shown, paid } = await resume({}, undefined);

    expect(result.response).toBeUndefined();
    expect(shown).toEqual([]);
    expect(paid).toEqual([]);
  });

  it('continues with the results in the order of the calls when all are decided', async () => {
    const { model, shown, paid, result } = await resume({}, { state: 'rejected', reason: 'Too much' });

    expect(shown).toEqual(['result a: paid 20', expect.stringMatching(/^result c: Error: A person rejected/), 'Done.']);
    expect(paid).toEqual([20]);
    expect(model.requests[0]?.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        contents: [
          { $type: 'text', text: 'Let me pay.' },
          { $type: 'functionCall', callId: 'a', name: 'pay', arguments: { amount: 20 } },
          { $type: 'functionCall', callId: 'b', name: 'pay', arguments: { amount: 5 } },
          { $type: 'functionCall', callId: 'c', name: 'pay', arguments: { amount: 30 } },
        ],
      },
      {
        role: 'tool',
        contents: [
          { $type: 'functionResult', callId: 'a', result: 'paid 20' },
          { $type: 'functionResult', callId: 'b', result: 'paid 5' },
          {
            $type: 'functionResult',
            callId: 'c',
            result: 'Error: A person rejected this call, so it was not made. Reason: Too much',
          },
        ],
      },
    ]);
    expect(result.response?.messages?.at(-1)?.contents).toEqual([{ $type: 'text', text: 'Done.' }]);
  });

  it('makes a call with edited arguments, which the model sees, too', async () => {
    const { model, paid } = await resume({ arguments: { amount: 15 } }, { state: 'expired' });

    expect(paid).toEqual([15]);
    expect(model.requests[0]?.messages[1]?.contents).toMatchObject([
      { text: 'Let me pay.' },
      { callId: 'a', arguments: { amount: 15 } },
      { callId: 'b', arguments: { amount: 5 } },
      { callId: 'c', arguments: { amount: 30 } },
    ]);
  });

  it('fails if nobody can be asked', async () => {
    const { result, paid, callback } = await deliver({ answers: [asking], canAsk: false });

    expect(paid).toEqual([]);
    expect(callback.errors).toMatchObject([
      { code: 'approval_unavailable', message: 'Nobody can be asked to approve the call of pay.' },
    ]);
    expect(result.response).toBeDefined();
  });

  it('asks if the tool cannot say whether it must, and logs why', async () => {
    const { shown, lines, paid } = await deliver({
      answers: [[call('pay', { amount: 1 }, 'a'), finish()]],
      needsApproval: () => Promise.reject(new Error('down')),
    });

    expect(shown).toEqual(['call a', 'approval a requested']);
    expect(paid).toEqual([]);
    expect(lines).toContain(
      `warn [PayAgent][${run.correlationId}] whether call a of pay needs approval could not be decided, so it does: Error: down`,
    );
  });

  it.each([
    ['unknown tools', call('transfer', { amount: 20 }, 'a'), 'There is no tool named transfer'],
    ['arguments that are no object', call('pay', '[20]', 'a'), 'The arguments are not the JSON of an object'],
    ['arguments that do not fit', call('pay', { amount: 'all' }, 'a'), 'The arguments do not fit the schema'],
  ])('asks nobody about %s', async (_what, made, message) => {
    const { shown, approvals } = await deliver({ answers: [[made, finish()], ending] });

    expect(approvals).toEqual([]);
    expect(shown).toEqual(['call a', expect.stringContaining(message), 'Done.']);
  });

  it('does not ask again about a call that an earlier delivery has made', async () => {
    const first = await deliver({ answers: [[call('pay', { amount: 5 }, 'a'), finish()], ending] });

    const { approvals, paid } = await deliver({
      answers: [ending],
      finished: first.steps.finished,
      needsApproval: true,
    });

    expect(approvals).toEqual([]);
    expect(paid).toEqual([]);
  });

  it('that waits in two rounds shows each of them once', async () => {
    const again: ScriptedAnswer = [call('pay', { amount: 40 }, 'd'), finish()];
    const first = await deliver({ answers: [[call('pay', { amount: 20 }, 'a'), finish()]] });
    const second = await deliver({
      answers: [again],
      known: first.approvals.map((approval) => decided(approval)),
      finished: first.steps.finished,
      isResumed: true,
    });
    const third = await deliver({
      answers: [ending],
      known: second.approvals.map((approval) => decided(approval)),
      finished: second.steps.finished,
      isResumed: true,
    });

    expect(first.shown).toEqual(['call a', 'approval a requested']);
    expect(second.shown).toEqual(['result a: paid 20', 'call d', 'approval d requested']);
    expect(third.shown).toEqual(['result d: paid 40', 'Done.']);
    expect([first.paid, second.paid, third.paid]).toEqual([[], [20], [40]]);
    expect(third.callback.updates.map((update) => update.round)).toEqual([2, 3]);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import type { ScriptedAnswer } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { finish, text } from '../../support/agent-parts.js';
import { ApprovalThread, asking, call, first, NOW, run, second, thread } from './approval-thread.js';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOW), toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a run whose tool calls need approval', () => {
  it('waits after the calls that need none, and stores in the state what it needs to continue', async () => {
    const target = new ApprovalThread({ answers: asking });

    expect(await target.operate('run', first)).toEqual([]);

    expect(target.shown).toEqual([
      'Let me pay.',
      'tool_call pay-1',
      'tool_call look-1',
      'tool_call pay-2',
      'tool_result look-1',
      'pay pay-1 requested',
      'pay pay-2 requested',
    ]);
    expect(target.callback.calls.at(-1)).toBe('onAgentSuspended');
    expect(target.paid).toEqual([]);
    expect(target.state.data.conversationHistory).toEqual([]);
    expect(target.approvals).toMatchObject([
      { callId: 'pay-1', arguments: { amount: 20 }, requestedAt: NOW, expiresAt: '2026-01-07T16:40:00.000Z' },
      { callId: 'pay-2', arguments: { amount: 30 } },
    ]);
    expect(await target.runRecords.find(run)).toMatchObject({ status: 'waiting_for_approval', attempt: 1 });
  });

  it('continues when everything is decided, with each step made once and each update shown once', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);

    expect(await target.decide('pay-2', { approved: true })).toEqual([]);
    expect(await target.operate('resume')).toEqual([]);
    expect(target.paid).toEqual([]);
    expect(await target.decide('pay-1', { approved: false, reason: 'Too much.' })).toEqual(['resume']);
    await target.settle('resume');

    expect(target.paid).toEqual([{ amount: 30 }]);
    expect(target.model.requests).toHaveLength(2);
    expect(target.model.requests[1]?.messages.at(-1)?.contents).toEqual([
      {
        $type: 'functionResult',
        callId: 'pay-1',
        result: 'Error: A person rejected this call, so it was not made. Reason: Too much.',
      },
      { $type: 'functionResult', callId: 'look-1', result: 'seen' },
      { $type: 'functionResult', callId: 'pay-2', result: { paid: 30 } },
    ]);
    expect(target.shown.slice(7)).toEqual([
      'pay pay-2 approved',
      'pay pay-1 rejected',
      'tool_result pay-1',
      'tool_result pay-2',
      'Done.',
    ]);
    expect(target.callback.updates[7]).toMatchObject({ decidedBy: 'user-7', decidedAt: NOW });
    expect(target.callback.responses).toMatchObject([{ text: 'Done.' }]);
    expect(target.state.data.conversationHistory).toHaveLength(2);
    expect(target.waiting.waitingRun).toBeUndefined();
    expect(await target.runRecords.find(run)).toMatchObject({ status: 'completed', attempt: 1 });
    expect(target.callback.contexts.filter(({ attempt }) => attempt !== 1)).toEqual([]);
  });

  it('keeps the results in the order of the calls, even if some arrived later', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: true });
    await target.decide('pay-2', { approved: false });

    await target.settle('resume');

    const results = target.state.data.conversationHistory[1]?.messages?.[1];
    expect(results).toMatchObject({
      role: 'tool',
      contents: [{ callId: 'pay-1' }, { callId: 'look-1' }, { callId: 'pay-2' }],
    });
    expect(results?.contents).toEqual(target.model.requests[1]?.messages.at(-1)?.contents);
  });

  it('recognizes the decisions of all its calls after its end, however many there are', async () => {
    const calls = Array.from({ length: 30 }, (_, index) => call('pay', { amount: 20 }, `pay-${index}`));
    const target = new ApprovalThread({
      answers: [
        [...calls, finish()],
        [text('Done.'), finish()],
      ],
    });
    await target.operate('run', first);
    for (let index = 29; index >= 0; index -= 1) await target.decide(`pay-${index}`, { approved: true });

    await target.settle('resume');

    expect(target.waiting.waitingRun).toBeUndefined();
    expect(target.waiting.pastApprovals.map(({ decision }) => decision?.token)).toEqual(calls.map(() => 'token-1'));
  });

  it('accepts the first of two decisions', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);

    await target.decide('pay-1', { approved: true });
    await target.decide('pay-1', { approved: false });

    expect(target.approvals[0]?.decision).toMatchObject({ state: 'approved' });
    expect(target.shown.filter((line) => line.startsWith('pay pay-1'))).toHaveLength(2);
  });

  it('calls the tool with edited arguments, passes them to the model and marks them in the conversation', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: true, arguments: { amount: 15 } });
    await target.decide('pay-2', { approved: false });

    await target.settle('resume');

    expect(target.paid).toEqual([{ amount: 15 }]);
    expect(target.callback.updates[7]).toMatchObject({ arguments: { amount: 15 }, argumentsEdited: true });
    const called = { $type: 'functionCall', callId: 'pay-1', name: 'pay', arguments: { amount: 15 } };
    expect(target.model.requests[1]?.messages.at(-2)?.contents?.[1]).toEqual(called);
    expect(target.state.data.conversationHistory[1]?.messages?.[0]?.contents?.[1]).toEqual({
      ...called,
      argumentsEdited: true,
    });
  });

  it('asks depending on the arguments, and always if the function fails', async () => {
    const calls = [1, 13].map((amount) => call('pay', { amount }, `pay-${amount}`));
    const target = new ApprovalThread({ answers: [[...calls, call('pay', { amount: '99' }, 'bad'), finish()]] });

    await target.operate('run', first);

    expect(target.paid).toEqual([{ amount: 1 }]);
    expect(target.approvals.map(({ callId }) => callId)).toEqual(['pay-13']);
    expect(target.logLines.join('\n')).toMatch(
      /whether call pay-13 of pay needs approval could not be decided.*unlucky/,
    );
  });

  it('asks again in a later round, and shows only new updates', async () => {
    const answers: ScriptedAnswer[] = [
      [call('pay', { amount: 20 }, 'pay-1'), finish()],
      [text('Once more.'), call('pay', { amount: 20 }, 'pay-2'), finish()],
      [text('Done.'), finish()],
    ];
    const target = new ApprovalThread({ answers });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: true });
    await target.settle('resume');
    await target.decide('pay-2', { approved: true });
    await target.settle('resume');

    expect(target.paid).toHaveLength(2);
    expect(target.shown).toEqual([
      'tool_call pay-1',
      'pay pay-1 requested',
      'pay pay-1 approved',
      'tool_result pay-1',
      'Once more.',
      'tool_call pay-2',
      'pay pay-2 requested',
      'pay pay-2 approved',
      'tool_result pay-2',
      'Done.',
    ]);
  });

  it('rejects calls that nobody decides in time', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: true });
    vi.setSystemTime('2026-01-07T16:40:00.000Z');

    expect(await target.decide('pay-2', { approved: true })).toEqual(['resume']);
    await target.settle('resume');

    expect(target.paid).toEqual([{ amount: 20 }]);
    expect(target.shown.slice(8)).toEqual(['pay pay-2 expired', 'tool_result pay-1', 'tool_result pay-2', 'Done.']);
    expect(target.waiting.pastApprovals.map(({ decision }) => decision?.state)).toEqual(['approved', 'expired']);
  });

  it('is found by the timer when an approval has expired, but not after its end', async () => {
    const target = new ApprovalThread({ answers: asking });
    const due = async () => {
      const found: unknown[] = [];
      for await (const one of new WaitingThreads(target.storage).due(thread.agentName, new Date())) found.push(one);
      return found;
    };
    await target.operate('run', first);
    expect(await due()).toEqual([]);

    vi.setSystemTime('2026-01-07T16:40:00.000Z');
    expect(await due()).toEqual([thread]);
    await target.settle('resume');

    expect(await due()).toEqual([]);
  });

  it('is not started again by a redelivery of its request', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    const { stored } = target;

    await target.operate('run', first);

    expect(target.stored).toEqual(stored);
    expect(target.model.requests).toHaveLength(1);
  });

  it('shows everything again as a new attempt if the process lost its memory during the wait', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: true });
    await target.decide('pay-2', { approved: true });
    target.storage = new MemoryKeyValueStore();
    target.callback = new RecordingCallback();

    await target.settle('resume');

    expect(target.callback.calls[0]).toBe('onAgentStart');
    expect(target.callback.contexts[0]).toMatchObject({ isResumed: false, attempt: 1 });
    expect(target.shown).toEqual([
      'Let me pay.',
      'tool_call pay-1',
      'tool_call look-1',
      'tool_call pay-2',
      'tool_result look-1',
      'pay pay-1 requested',
      'pay pay-2 requested',
      'pay pay-1 approved',
      'pay pay-2 approved',
      'tool_result pay-1',
      'tool_result pay-2',
      'Done.',
    ]);
    expect(target.model.requests).toHaveLength(2);
  });

  it('is a new attempt if a crash interrupted it after the wait', async () => {
    const target = new ApprovalThread({ answers: [asking[0] ?? [], ...asking] });
    await target.operate('run', first);
    await target.decide('pay-1', { approved: false });
    await target.decide('pay-2', { approved: false });
    const { stored } = target;
    await target.operate('resume');
    const answered = target.model.requests.length;
    // Simulates a crash before the commit: the old state is restored, and the record says that the run has not ended.
    target.stored = stored;
    await target.runRecords.remove(run);
    await target.runRecords.begin({ ...run, ...first }, 1);

    await target.operate('resume');

    expect(target.model.requests.length).toBe(answered + 1);
    expect(target.callback.contexts.at(-1)).toMatchObject({ isResumed: false, attempt: 2 });
  });

  it('drops the oldest turns if edited arguments need the space, and rejects arguments that still do not fit', async () => {
    const answers: ScriptedAnswer[] = [[text('x'.repeat(2000)), finish()], ...asking];
    const target = new ApprovalThread({ answers, maxStateBytes: 6144 });
    await target.operate('run', second);
    await target.operate('run', first);
    expect(target.state.data.conversationHistory).toHaveLength(2);

    await target.decide('pay-1', { approved: true, arguments: { amount: 5, note: 'x'.repeat(6000) } });
    expect(target.logLines.join()).toContain('AGENT_MAX_STATE_BYTES');
    expect(target.approvals.map(({ decision }) => decision?.state)).toEqual([undefined, undefined]);

    await target.decide('pay-1', { approved: true, arguments: { amount: 5, note: 'x'.repeat(2500) } });
    expect(target.approvals.map(({ decision }) => decision?.state)).toEqual(['approved', undefined]);
    expect(target.state.data.conversationHistory).toEqual([]);
    expect(JSON.stringify(target.stored).length).toBeLessThanOrEqual(6144);
    const dropped = { ...thread, correlationId: second.correlationId };
    expect(await target.runRecords.find(dropped)).toMatchObject({ droppedAt: expect.any(String) });
  });

  it('fails if its steps so far do not fit into the state', async () => {
    const long = 'x'.repeat(5000);
    const answers: ScriptedAnswer[] = [[text(long), call('pay', { amount: 20 }, 'pay-1'), finish()]];
    const target = new ApprovalThread({ answers, maxStateBytes: 4096 });

    await target.operate('run', first);

    expect(target.callback.errors).toMatchObject([{ code: 'state_too_large' }]);
    expect(target.waiting.waitingRun).toBeUndefined();
    expect(await target.runRecords.find(run)).toMatchObject({
      status: 'failed',
      errorCode: 'state_too_large',
      firstUpdateAt: NOW,
    });
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { responseError } from '../../../src/durable-agents/thread/thread-state.js';
import type { ModelToolCall } from '../../../src/durable-agents/tools/chat-model.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { type AnswerStep, RunSteps, type RunStepsOptions } from '../../../src/durable-agents/tools/run-steps.js';
import { defineTool, type ToolContext, type ToolEffect } from '../../../src/durable-agents/tools/tool.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { StorageError } from '../../../src/storage/storage-error.js';
import { finish, text } from '../../support/agent-parts.js';
import { createGate } from '../../support/gate.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../../support/run-agent-once.js';
import { runRequest } from '../../support/run-request.js';

const { correlationId } = runRequest();
const call = (callId: string, toolName = 'note'): ModelToolCall => ({
  kind: 'tool_call',
  callId,
  toolName,
  arguments: JSON.stringify({ callId }),
});
const usage = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };

/** Simulates a crash with a promise that never settles. */
const crash = (): Promise<never> => new Promise(() => {});

const unreachable = async (): Promise<never> => {
  throw new StorageError(new Error('down'));
};

/** A thread whose runs can be delivered several times. */
class Deliveries {
  readonly store = new MemoryKeyValueStore();
  readonly contexts: ToolContext[] = [];
  readonly log = createRecordingLog();

  /** Delivers the run. The call with the id `crashAt` never returns. Undefined if the delivery crashed. */
  async deliver(
    answers: readonly ScriptedAnswer[],
    { crashAt = '', effect }: { crashAt?: string; effect?: ToolEffect } = {},
  ) {
    const model = new ScriptedChatModel(...answers);
    const crashed = createGate();
    const tool = defineTool({
      name: 'note',
      description: 'Notes.',
      parameters: z.object({ callId: z.string() }),
      ...(effect !== undefined && { effect }),
      execute: ({ callId }, context) => {
        this.contexts.push(context);
        if (callId !== crashAt) return `noted ${callId}`;
        // Gives the other calls of the round time to record their results.
        setImmediate(() => crashed.open());
        return crash();
      },
    });
    const run = { agentName: 'ToolAgent', threadId: 'thread-1', correlationId };
    const steps = new RunSteps({ store: this.store, run, isAnswered: () => false, log: this.log });
    const callback = new RecordingCallback();
    const agent = createModelAgent({ name: 'ToolAgent', model, tools: [tool] });
    const running = runAgentOnce(agent, { callback, steps });
    const result = await Promise.race([running, crashed.opened.then(() => undefined)]);
    return { model, callback, result };
  }

  get made(): string[] {
    return this.contexts.map(({ callId }) => callId);
  }
}

describe('a run that is redelivered after a crash', () => {
  const first: ScriptedAnswer = [text('Let me see.'), call('a'), call('b'), finish({ usage })];
  const last: ScriptedAnswer = [text('Done.'), finish({ usage })];

  it('reuses finished model calls and tools, and yields them again', async () => {
    const thread = new Deliveries();
    await thread.deliver([first], { crashAt: 'b' });

    const { model, callback, result } = await thread.deliver([last]);

    expect(model.requests).toHaveLength(1);
    expect(thread.made).toEqual(['a', 'b', 'b']);
    expect(callback.updates).toMatchObject([
      { kind: 'text', text: 'Let me see.' },
      { kind: 'tool_call', callId: 'a' },
      { kind: 'tool_call', callId: 'b' },
      { kind: 'tool_result', callId: 'a', result: 'noted a' },
      { kind: 'tool_result', callId: 'b', result: 'noted b' },
      { kind: 'text', text: 'Done.', round: 2 },
    ]);
    expect(result?.response.usage).toMatchObject({ inputTokenCount: 10, totalTokenCount: 14 });
    expect(thread.log.lines).toContain(
      `info [ToolAgent][${correlationId}] took over 2 steps of an earlier delivery (thread thread-1)`,
    );
  });

  it('repeats an interrupted call with the same idempotency key', async () => {
    const thread = new Deliveries();
    await thread.deliver([first], { crashAt: 'b' });
    await thread.deliver([last]);

    const [, interrupted, repeated] = thread.contexts.map(({ idempotencyKey }) => idempotencyKey);
    expect(repeated).toBe(interrupted);
  });

  it('fails instead of repeating an interrupted call that must run once, and names the call', async () => {
    const thread = new Deliveries();
    await thread.deliver([first], { crashAt: 'b', effect: 'once' });

    const { result, model } = await thread.deliver([last], { effect: 'once' });

    expect(thread.made).toEqual(['a', 'b']);
    expect(model.requests).toHaveLength(0);
    expect(result && responseError(result.response)).toMatchObject({
      errorCode: 'tool_outcome_unknown',
      message: 'The call b of note was interrupted. It may have had its effect, so it is not repeated.',
    });
  });

  it('makes no other call of a round in which the outcome of one is unknown', async () => {
    const store = new MemoryKeyValueStore();
    const log = createRecordingLog();
    const run = { agentName: 'ToolAgent', threadId: 'thread-1', correlationId };
    const crashed = new RunSteps({ store, run, isAnswered: () => false, log });
    const pay = { callId: 'b', toolName: 'pay', arguments: {} };
    const calls = [{ callId: 'a', toolName: 'look', arguments: {} }, pay];
    await crashed.recordAnswer(1, { texts: [], calls, finish: finish() });
    await crashed.begin({ round: 1, index: 1 }, pay);
    const made: string[] = [];
    const toolOf = (name: string, effect: ToolEffect) =>
      defineTool({ name, effect, description: '', parameters: z.object({}), execute: () => void made.push(name) });
    const tools = [toolOf('look', 'repeatable'), toolOf('pay', 'once')];
    const agent = createModelAgent({ name: 'ToolAgent', model: new ScriptedChatModel(), tools });

    const { response } = await runAgentOnce(agent, {
      steps: new RunSteps({ store, run, isAnswered: () => false, log }),
    });

    expect(made).toEqual([]);
    expect(responseError(response)).toMatchObject({ errorCode: 'tool_outcome_unknown' });
  });

  it('does not call the model again for a complete answer', async () => {
    const thread = new Deliveries();
    await thread.deliver([first, last]);

    const { model, result } = await thread.deliver([]);

    expect(model.requests).toHaveLength(0);
    expect(thread.made).toEqual(['a', 'b']);
    expect(result?.response.messages?.at(-1)?.contents).toEqual([{ $type: 'text', text: 'Done.' }]);
  });
});

describe('the records of steps', () => {
  it('belong to one agent: another one with the same thread id neither reuses nor removes them', async () => {
    const thread = new Deliveries();
    await thread.deliver([[call('a'), finish()]], { crashAt: 'a' });
    const stepsOf = async (agentName: string): Promise<RunSteps> => {
      const run = { agentName, threadId: 'thread-1', correlationId };
      const steps = new RunSteps({ store: thread.store, run, isAnswered: () => true, log: thread.log });
      await steps.load();
      return steps;
    };

    expect((await stepsOf('OtherAgent')).answer(1)).toBeUndefined();
    await new RunRecords(thread.store).clear({ agentName: 'OtherAgent', threadId: 'thread-1' });
    expect((await stepsOf('ToolAgent')).answer(1)).toMatchObject({ calls: [{ callId: 'a' }] });

    await new RunRecords(thread.store).clear({ agentName: 'ToolAgent', threadId: 'thread-1' });
    expect((await stepsOf('ToolAgent')).answer(1)).toBeUndefined();
  });

  it('of answered runs are removed with the next run that uses tools', async () => {
    const thread = new Deliveries();
    await thread.deliver([
      [call('a'), finish()],
      [text('Done.'), finish()],
    ]);
    const run = { agentName: 'ToolAgent', threadId: 'thread-1', correlationId: 'f'.repeat(32) };

    const other = new RunSteps({ store: thread.store, run, isAnswered: (id) => id === correlationId, log: thread.log });
    await other.load();

    const again = await thread.deliver([[text('Again.'), finish()]]);
    expect(again.model.requests).toHaveLength(1);
  });

  it('are not needed for a run while the store is unreachable, except for a tool that must run once', async () => {
    const answers: ScriptedAnswer[] = [
      [call('a'), finish()],
      [text('Done.'), finish()],
    ];
    const withoutStore = async (effect: ToolEffect) => {
      const thread = new Deliveries();
      Object.assign(thread.store, { commit: unreachable, readRange: unreachable, read: unreachable });
      return { ...(await thread.deliver(answers, { effect })), made: thread.made };
    };

    const repeatable = await withoutStore('repeatable');
    expect(repeatable.callback.responses[0]?.text).toBe('Done.');
    const once = await withoutStore('once');
    expect(once.made).toEqual([]);
    expect(once.callback.errors[0]).toMatchObject({ code: 'steps_unavailable' });
  });
});

describe('the steps of a run', () => {
  const identity = { agentName: 'ToolAgent', threadId: 'thread-1', correlationId };
  const answer: AnswerStep = {
    texts: [{ kind: 'text', text: 'Let me see.' }],
    calls: [{ callId: 'a', toolName: 'note', arguments: {} }],
    finish: finish({ usage: { ...usage, extra: { cached_input_token_count: 1 } } }),
  };
  const outcome = { result: { noted: true }, isError: false, durationMs: 5 };
  const first = { round: 1, index: 0 };
  const made = { callId: 'a', toolName: 'note', arguments: {} };

  function stepsOf(options: Partial<RunStepsOptions> = {}) {
    const log = createRecordingLog();
    return { steps: new RunSteps({ run: identity, isAnswered: () => false, log, ...options }), lines: log.lines };
  }

  it('are found by their round and position, and can be kept in the state of a thread', async () => {
    const { steps } = stepsOf();
    await steps.load();
    expect(await steps.recordAnswer(1, answer)).toBe(answer);
    expect(await steps.recordOutcome({ round: 1, index: 12 }, outcome)).toBe(outcome);

    expect(steps.answer(1)).toEqual(answer);
    expect(steps.answer(2)).toBeUndefined();
    expect(steps.outcome({ round: 1, index: 12 })).toEqual(outcome);
    expect(steps.outcome({ round: 1, index: 1 })).toBeUndefined();
    expect(steps.outcome({ round: 2, index: 12 })).toBeUndefined();
    expect(steps.finished).toEqual({ '0001|answer': answer, '0001|012|result': outcome });
    const { steps: later, lines } = stepsOf({ finished: JSON.parse(JSON.stringify(steps.finished)) });
    await later.load();
    expect(later.answer(1)).toEqual(answer);
    expect(lines).toEqual([]);
  });

  it('leave out the starts of calls, also of those that another delivery has begun', async () => {
    const store = new MemoryKeyValueStore();
    const { steps } = stepsOf({ store });
    await steps.begin(first, made);
    await steps.recordOutcome({ round: 1, index: 1 }, outcome);

    const { steps: later, lines } = stepsOf({ store });
    await later.load();

    expect(later.finished).toEqual({ '0001|001|result': outcome });
    expect(lines).toEqual([
      `info [ToolAgent][${correlationId}] took over 1 steps of an earlier delivery (thread thread-1)`,
    ]);
  });

  it('say whether a call was begun by an earlier delivery', async () => {
    const store = new MemoryKeyValueStore();
    await stepsOf({ store }).steps.begin(first, made);
    const { steps } = stepsOf({ store });
    await steps.load();

    const unknown = expect.objectContaining({
      code: 'tool_outcome_unknown',
      message: 'The call a of note was interrupted. It may have had its effect, so it is not repeated.',
    });
    expect(() => steps.assertNotBegun(first, made)).toThrow(unknown);
    expect(() => steps.assertNotBegun({ round: 1, index: 1 }, made)).not.toThrow();
    expect(() => steps.assertNotBegun({ round: 2, index: 0 }, made)).not.toThrow();
    await expect(steps.begin(first, made)).rejects.toEqual(unknown);
    await expect(steps.begin({ round: 2, index: 0 }, made)).resolves.toBeUndefined();
  });

  it('of two deliveries at once are those of the first', async () => {
    const store = new MemoryKeyValueStore();
    const [one, other] = [stepsOf({ store }).steps, stepsOf({ store }).steps];
    await one.recordAnswer(1, answer);
    await one.recordOutcome(first, outcome);

    expect(await other.recordAnswer(1, { ...answer, texts: [] })).toEqual(answer);
    expect(await other.recordOutcome(first, { ...outcome, result: 'again' })).toEqual(outcome);

    expect(other.answer(1)).toEqual(answer);
    expect(other.outcome(first)).toEqual(outcome);
  });

  it('that are in the state of the thread win over those in the store', async () => {
    const store = new MemoryKeyValueStore();
    await stepsOf({ store }).steps.recordOutcome(first, { ...outcome, result: 'stored' });
    const { steps, lines } = stepsOf({ store, finished: { '0001|000|result': outcome } });

    await steps.load();

    expect(steps.outcome(first)).toEqual(outcome);
    expect(lines).toEqual([]);
  });

  it('of other runs stay until those have answered', async () => {
    const store = new MemoryKeyValueStore();
    const run = { ...identity, correlationId: 'f'.repeat(32) };
    await stepsOf({ store }).steps.recordAnswer(1, answer);
    await stepsOf({ store, run }).steps.load();
    const kept = stepsOf({ store }).steps;
    await kept.load();
    expect(kept.answer(1)).toEqual(answer);

    await stepsOf({ store, run, isAnswered: (id) => id === correlationId }).steps.load();

    const gone = stepsOf({ store }).steps;
    await gone.load();
    expect(gone.answer(1)).toBeUndefined();
  });

  it('are kept in memory while the store is unreachable, which the log says', async () => {
    const store = new MemoryKeyValueStore();
    Object.assign(store, { commit: unreachable, readRange: unreachable, read: unreachable });
    const { steps, lines } = stepsOf({ store });

    await steps.load();
    expect(await steps.recordOutcome(first, outcome)).toBe(outcome);

    expect(steps.outcome(first)).toEqual(outcome);
    expect(lines).toEqual(
      ['read', 'record'].map((what): unknown =>
        expect.stringMatching(
          new RegExp(
            `^warn \\[ToolAgent\\]\\[${correlationId}\\] could not ${what} steps: .*down.* \\(thread thread-1\\)$`,
          ),
        ),
      ),
    );
    await expect(steps.begin(first, made)).rejects.toMatchObject({
      code: 'steps_unavailable',
      message: 'The call of note was not started, because its start could not be recorded.',
      cause: expect.any(StorageError),
    });
  });

  it('need no store to begin a call', async () => {
    await expect(stepsOf().steps.begin(first, made)).resolves.toBeUndefined();
  });
});

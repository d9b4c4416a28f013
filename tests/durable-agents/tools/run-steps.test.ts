import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { responseError } from '../../../src/durable-agents/thread/thread-state.js';
import type { ModelToolCall } from '../../../src/durable-agents/tools/chat-model.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { RunSteps } from '../../../src/durable-agents/tools/run-steps.js';
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

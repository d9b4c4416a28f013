import { z } from 'zod';
import type { Approval } from '../../../src/durable-agents/approvals/approval.js';
import { digestOf } from '../../../src/durable-agents/approvals/approval.js';
import { type WaitingState, waitingStateOf } from '../../../src/durable-agents/approvals/waiting-run.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { parseThreadState, type ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { defineTool } from '../../../src/durable-agents/tools/tool.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity } from '../../support/fake-entity.js';
import { runRequest } from '../../support/run-request.js';
import { call } from '../tools/run-tools.js';

export { call };

export const thread = { agentName: 'PayAgent', threadId: 'thread-1' };
export const NOW = '2026-01-07T15:40:00.000Z';
export const first = runRequest({ correlationId: 'a'.repeat(32), createdAt: NOW });
export const second = runRequest({ correlationId: 'b'.repeat(32), createdAt: NOW, message: 'And now?' });
export const run = { ...thread, correlationId: first.correlationId };

/** The model calls `pay` for 20 and 30 and `look` once, then answers. */
export const asking: readonly ScriptedAnswer[] = [
  [
    text('Let me pay.'),
    call('pay', { amount: 20 }, 'pay-1'),
    call('look', {}, 'look-1'),
    call('pay', { amount: 30 }, 'pay-2'),
    finish(),
  ],
  [text('Done.'), finish()],
];

export interface ApprovalThreadOptions {
  readonly answers: readonly ScriptedAnswer[];
  readonly maxStateBytes?: number;
}

/** A thread of an agent with two tools: `pay` needs approval above 10, `look` never. Keeps the state of its entity. */
export class ApprovalThread {
  storage = new MemoryKeyValueStore();
  callback = new RecordingCallback();
  readonly model: ScriptedChatModel;
  /** The arguments of each `pay`, in order. */
  readonly paid: unknown[] = [];
  /** The stored state. Undefined if the entity does not exist. */
  stored: unknown;
  /** The log lines of the last operation. */
  logLines: readonly string[] = [];
  /** The results of the last operation. */
  results: readonly unknown[] = [];
  readonly #options: ApprovalThreadOptions;

  constructor(options: ApprovalThreadOptions) {
    this.#options = options;
    this.model = new ScriptedChatModel(...options.answers);
  }

  get state(): ThreadState {
    return parseThreadState(this.stored);
  }

  get waiting(): WaitingState {
    return waitingStateOf(this.state);
  }

  get approvals(): readonly Approval[] {
    return this.waiting.waitingRun?.approvals ?? [];
  }

  get runRecords(): RunRecords {
    return new RunRecords(this.storage);
  }

  /** The updates that the callback received, one line each. */
  get shown(): readonly string[] {
    return this.callback.updates.map((update) => {
      if (update.kind === 'approval') return `${update.toolName} ${update.callId} ${update.state}`;
      return update.text === '' ? `${update.kind} ${'callId' in update ? update.callId : ''}` : update.text;
    });
  }

  /** Performs an operation. @returns the operations that it has signalled */
  async operate(operationName: string, input?: unknown): Promise<readonly string[]> {
    const entity = new FakeEntity({ operationName, input, state: this.stored });
    const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
      agent: this.#createAgent(),
      callback: this.callback,
      completions: new RunCompletionNotifier(),
      runTimeoutMs: 60_000,
      maxAttempts: 5,
      approvalTimeoutMs: 3_600_000,
      maxStateBytes: this.#options.maxStateBytes ?? 900_000,
      runRecords: this.runRecords,
      threadIndex: new ThreadIndex(this.storage),
      waitingThreads: new WaitingThreads(this.storage),
      tombstones: new Tombstones(this.storage),
    });
    await handle(entity.context);
    this.logLines = entity.logLines;
    this.results = entity.results;
    if (entity.writes.length > 0) this.stored = entity.writes.at(-1);
    if (entity.isGone) this.stored = undefined;
    return entity.signals;
  }

  /** Performs an operation, and then those that it signals. */
  async settle(operationName: string, input?: unknown): Promise<void> {
    for (const signal of await this.operate(operationName, input)) await this.settle(signal);
  }

  /** Records the decision on a call, without performing the operations that it signals. */
  decide(callId: string, decision: { approved: boolean; reason?: string; arguments?: Record<string, unknown> }) {
    const { approvalId } = this.approvals.find((approval) => approval.callId === callId) ?? {};
    const digest = digestOf(decision.approved, decision.arguments);
    const decidedAt = new Date().toISOString();
    return this.operate('decide', {
      approvalId,
      decidedAt,
      token: 'token-1',
      digest,
      decidedBy: 'user-7',
      ...decision,
    });
  }

  #createAgent() {
    const look = defineTool({
      name: 'look',
      description: 'Looks something up.',
      parameters: z.looseObject({}),
      execute: () => 'seen',
    });
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      parameters: z.object({ amount: z.number() }),
      needsApproval: ({ amount }) => {
        if (amount === 13) throw new Error('unlucky');
        return amount > 10;
      },
      execute: (args) => {
        this.paid.push(args);
        return { paid: args.amount };
      },
    });
    return createModelAgent({ name: thread.agentName, model: this.model, tools: [look, pay] });
  }
}

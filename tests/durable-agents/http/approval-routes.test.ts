import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AgentRegistry } from '../../../src/durable-agents/agent-registry.js';
import type { Approval } from '../../../src/durable-agents/approvals/approval.js';
import { withDecision, waitingStateOf, withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { ThreadAccess } from '../../../src/durable-agents/access/thread-access.js';
import type { AccessRequest } from '../../../src/durable-agents/access/authorize.js';
import type { DecideInput } from '../../../src/durable-agents/entity/resume-operation.js';
import {
  createDecideApprovalRoute,
  createListApprovalsRoute,
} from '../../../src/durable-agents/http/approval-routes.js';
import { approvalsSchema } from '../../../src/durable-agents/http/answer-schemas.js';
import { ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import type { ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { defineTool } from '../../../src/durable-agents/tools/tool.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { type Signal, startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';
import { runRequest } from '../../support/run-request.js';
import { storedApproval } from '../../support/stored-approval.js';
import { threadState } from '../../support/thread-entries.js';

const request = runRequest({ correlationId: 'a'.repeat(32) });
const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({ amount: z.number() }),
  execute: () => 'paid',
});

const stateWith = (...approvals: Approval[]): ThreadState =>
  withWaitingState(threadState(), {
    waitingRun: { request, steps: {}, approvals },
    deferredRuns: [],
    pastApprovals: [],
  });

/** Records a decision in the state, as the entity does. */
function decide(state: ThreadState, { operation, input }: Signal): ThreadState {
  if (operation !== 'decide') return state;
  const { approvalId, approved, ...decision } = input as DecideInput;
  const waiting = waitingStateOf(state);
  const decided = { ...decision, state: approved ? ('approved' as const) : ('rejected' as const) };
  const waitingRun = waiting.waitingRun && withDecision(waiting.waitingRun, [storedApproval({ approvalId })], decided);
  return withWaitingState(state, { ...waiting, waitingRun });
}

interface Sent {
  readonly state?: unknown;
  readonly body?: unknown;
  readonly approvalId?: string;
  readonly maxStateBytes?: number;
  /** The principal of all requests. */
  readonly principal?: string;
}

/** Sends a request for the approvals of a thread, or a decision if it has a body. */
async function send({ state, body, approvalId = 'id-1', maxStateBytes = 900_000, principal }: Sent) {
  const asked: AccessRequest[] = [];
  const agents = new AgentRegistry();
  agents.add({
    agent: createModelAgent({ name: 'PayAgent', model: new ScriptedChatModel(), tools: [pay] }),
    httpEndpointEnabled: true,
  });
  const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
  const thread = { agentName: 'PayAgent', threadId: 'thread-1' };
  await threadIndex.touch(thread, { message: 'Hi', status: 'completed', at: new Date(), owner: principal });
  const authorize =
    principal === undefined
      ? undefined
      : async (_request: HttpRequest, access: AccessRequest) => {
          asked.push(access);
          return { id: principal };
        };
  const access = new ThreadAccess({ agents, threadIndex, authorize });
  const server = await startDurableTaskServer((signal) => decide(state as ThreadState, signal), {
    states: { 'dafx-PayAgent/thread-1': state },
  });
  const route =
    body === undefined ? createListApprovalsRoute(access) : createDecideApprovalRoute({ access, maxStateBytes });
  const bytes = Buffer.from(JSON.stringify(body ?? ''));
  const sent = new HttpRequest({
    method: body === undefined ? 'GET' : 'POST',
    url: 'http://localhost:7071/api/agents/PayAgent/threads/thread-1/approvals',
    headers: { host: 'localhost:7071' },
    params: { agentName: 'payagent', thread_id: 'thread-1', approval_id: approvalId },
    ...(body !== undefined && { body: { bytes } }),
  });
  const { status, headers, text } = await httpAnswer(route, sent, server.context);
  const signals = server.signals.map(({ operation, input }) => ({ operation, input }));
  return { status, json: JSON.parse(text), cacheControl: headers.get('cache-control'), signals, asked };
}

const view = {
  approval_id: 'id-1',
  correlation_id: request.correlationId,
  call_id: 'call-1',
  tool_name: 'pay',
  requested_at: request.createdAt,
  expires_at: '2999-01-01T00:00:00.000Z',
};

const nested = (levels: number) => ({ amount: JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) });

describe('GET approvals', () => {
  it('lists the approvals of the waiting run, decided or not', async () => {
    const decidedAt = '2026-01-07T15:50:00.000Z';
    const rejected = { state: 'rejected', decidedAt, decidedBy: 'ann', reason: 'Too much' } as const;
    const edited = { state: 'approved', decidedAt, arguments: { amount: 5 } } as const;

    const answer = await send({
      state: stateWith(
        storedApproval(),
        storedApproval({ index: 1, decision: rejected }),
        storedApproval({ index: 2, decision: edited }),
      ),
      principal: 'ann',
    });

    expect(answer).toMatchObject({ status: 200, cacheControl: 'no-store', signals: [] });
    expect(approvalsSchema.strict().parse(answer.json)).toEqual({
      approvals: [
        { ...view, arguments: { amount: 20 }, state: 'requested' },
        {
          ...view,
          arguments: { amount: 20 },
          state: 'rejected',
          decided_at: decidedAt,
          decided_by: 'ann',
          reason: 'Too much',
        },
        { ...view, arguments: { amount: 5 }, state: 'approved', decided_at: decidedAt, arguments_edited: true },
      ],
    });
    expect(answer.asked).toMatchObject([{ action: 'read' }]);
  });

  it('shows expired approvals as such, and tells the entity', async () => {
    const answer = await send({ state: stateWith(storedApproval({ expiresAt: '2020-01-01T00:00:00.000Z' })) });

    expect(answer.json.approvals).toMatchObject([{ state: 'expired' }]);
    expect(answer.signals).toEqual([{ operation: 'resume', input: {} }]);
  });

  it.each([
    ['a thread that never ran', undefined],
    ['a thread without a waiting run', threadState()],
  ])('is empty for %s', async (_what, state) => {
    expect(await send({ state })).toMatchObject({ status: 200, json: { approvals: [] }, signals: [] });
  });

  it('fails with the reason for a state that cannot be read', async () => {
    expect(await send({ state: { schemaVersion: '2.0.0' } })).toMatchObject({
      status: 500,
      json: { error: expect.stringContaining('schema version 2.0.0') },
    });
  });
});

describe('POST approvals/{approval_id}', () => {
  const state = stateWith(storedApproval());

  it('records an approval with the person who decided', async () => {
    const answer = await send({ state, body: { approved: true, reason: 'Fine' }, principal: 'ann' });

    expect(answer).toMatchObject({ status: 202, cacheControl: 'no-store' });
    expect(answer.json).toEqual({
      ...view,
      state: 'approved',
      decided_at: expect.any(String),
      decided_by: 'ann',
      reason: 'Fine',
    });
    expect(answer.signals).toMatchObject([
      { operation: 'decide', input: { approvalId: 'id-1', approved: true, reason: 'Fine', decidedBy: 'ann' } },
    ]);
    expect(answer.asked).toMatchObject([{ action: 'approve' }]);
  });

  it('records a refusal, and takes nulls for values that are missing', async () => {
    const { status, json, signals } = await send({ state, body: { approved: false, reason: null, arguments: null } });

    expect(status).toBe(202);
    expect(json).toEqual({ ...view, state: 'rejected', decided_at: expect.any(String) });
    expect(Object.keys(signals[0]?.input as object).toSorted()).toEqual([
      'approvalId',
      'approved',
      'decidedAt',
      'digest',
      'token',
    ]);
  });

  it('records edited arguments, and does not repeat them', async () => {
    const { status, json, signals } = await send({ state, body: { approved: true, arguments: { amount: 5 } } });

    expect(status).toBe(202);
    expect(json).toMatchObject({ state: 'approved', arguments_edited: true });
    expect(json).not.toHaveProperty('arguments');
    expect(signals).toMatchObject([{ input: { arguments: { amount: 5 } } }]);
  });

  it('answers 200 if the same decision was made before, and 409 if another one was', async () => {
    const [first] = (await send({ state, body: { approved: true } })).signals;
    const decided = decide(state, { ...first!, entity: '' });

    expect(await send({ state: decided, body: { approved: true } })).toMatchObject({ status: 200, signals: [] });
    expect(await send({ state: decided, body: { approved: false } })).toMatchObject({
      status: 409,
      json: { error: 'The call was approved before.' },
      signals: [],
    });
  });

  it.each([
    [{}, 'Invalid decision: approved: '],
    [{ approved: 'yes' }, 'Invalid decision: approved: '],
    [{ approved: true, reason: 'x'.repeat(2001) }, 'Invalid decision: reason: '],
    [{ approved: true, arguments: 'all' }, 'Invalid decision: arguments: '],
    [{ approved: false, arguments: {} }, 'Invalid decision: arguments are for an approved call.'],
    [{ approved: true, arguments: nested(100) }, 'Invalid decision: arguments are nested at most 100 levels deep.'],
    [
      { approved: true, arguments: nested(99) },
      'Invalid decision: The arguments do not fit the schema of pay. amount: ',
    ],
    [
      { approved: true, arguments: { amount: 5, note: 'x'.repeat(65_536 - 21) } },
      'Invalid decision: arguments are at most 65536 bytes.',
    ],
    [[], 'Invalid JSON payload. Expected an object.'],
  ])('is rejected if the decision is invalid: %#', async (body, error) => {
    expect(await send({ state, body })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining(error) },
      signals: [],
    });
  });

  it('accepts arguments of exactly 64 KiB', async () => {
    const body = { approved: true, arguments: { amount: 5, note: 'x'.repeat(65_536 - 22) } };
    expect(Buffer.byteLength(JSON.stringify(body.arguments))).toBe(65_536);
    expect(await send({ state, body })).toMatchObject({ status: 202 });
  });

  it('is rejected if the agent no longer has the tool', async () => {
    const old = stateWith(storedApproval({ toolName: 'transfer' }));

    expect(await send({ state: old, body: { approved: true, arguments: {} } })).toMatchObject({
      status: 400,
      json: { error: 'The agent no longer has a tool named transfer.' },
    });
  });

  it('is rejected if it does not fit into the state of the thread', async () => {
    const answer = await send({ state, body: { approved: true, reason: 'x'.repeat(2000) }, maxStateBytes: 2000 });

    expect(answer).toMatchObject({ status: 413, signals: [] });
  });

  it('fails with the reason for a state that cannot be read', async () => {
    expect(await send({ state: { schemaVersion: '2.0.0' }, body: { approved: true } })).toMatchObject({
      status: 500,
      json: { error: expect.stringContaining('schema version 2.0.0') },
    });
  });
});

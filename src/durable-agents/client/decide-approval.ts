import { randomUUID } from 'node:crypto';
import type { DurableClient } from 'durable-functions';
import { HttpError } from '../../functions/http-error.js';
import { pause } from '../../functions/time-limits.js';
import { UnavailableError } from '../../functions/unavailable-error.js';
import { type Approval, type ApprovalDecision, digestOf } from '../approvals/approval.js';
import { stateWithDecision, type WaitingState, waitingStateOf } from '../approvals/waiting-run.js';
import type { DecideInput } from '../entity/resume-operation.js';
import { findThreadEntity, readThread } from '../thread/thread-entity.js';
import type { ThreadIdentity } from '../thread/thread-identity.js';
import type { JsonObject, ThreadState } from '../thread/thread-state.js';

const DECIDE_TIMEOUT_MS = 10_000;
/** Readers can see the event of an approval shortly before its state is committed. */
const COMMIT_TIMEOUT_MS = 2000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** A person's decision on a tool call. */
export interface Decision {
  readonly approvalId: string;
  readonly approved: boolean;
  readonly reason: string | undefined;
  /** Arguments that replace the model's. */
  readonly arguments: JsonObject | undefined;
  /** Id of the principal, if there is one. */
  readonly decidedBy: string | undefined;
}

/** An approval, and the run that it belongs to. */
export interface FoundApproval {
  readonly approval: Approval;
  readonly correlationId: string;
}

export interface DecideOptions {
  readonly durableClient: DurableClient;
  /** @throws if the edited arguments do not match the tool's schema */
  readonly checkArguments: (toolName: string, args: JsonObject) => Promise<void>;
  /** Maximum size of a thread's state, in bytes of JSON. */
  readonly maxStateBytes: number;
}

/**
 * Decides on a tool call. The first of several decisions wins. Resolves when the decision is committed.
 *
 * @returns `isNew` is false if the same decision was made before
 * @throws HttpError 404 for an unknown approval, 410 for an expired one, 409 if another decision was made, 413 if the
 * decision does not fit into the thread's state
 * @throws UnavailableError if the entity does not handle it in time
 */
export async function decideApproval(
  thread: ThreadIdentity,
  decision: Decision,
  { durableClient, checkArguments, maxStateBytes }: DecideOptions,
): Promise<FoundApproval & { readonly isNew: boolean }> {
  const { approvalId, approved, reason, arguments: edited, decidedBy } = decision;
  const digest = digestOf(approved, edited);
  const state = await readCommitted(thread, approvalId, durableClient);
  const found = requireApproval(state && waitingStateOf(state), approvalId);
  if (found.approval.decision !== undefined) return { ...sameDecision(found, digest), isNew: false };
  if (isExpired(found.approval)) {
    await signalResume(thread, durableClient);
    throw expired();
  }
  if (edited !== undefined) await checkArguments(found.approval.toolName, edited);
  const token = randomUUID();
  const decided = {
    decidedAt: new Date().toISOString(),
    token,
    digest,
    ...(decidedBy !== undefined && { decidedBy }),
    ...(reason !== undefined && { reason }),
    ...(edited !== undefined && { arguments: edited }),
  };
  const next: ApprovalDecision = { ...decided, state: approved ? 'approved' : 'rejected' };
  if (state !== undefined && stateWithDecision(state, found.approval, next, maxStateBytes) === undefined) {
    throw new HttpError(
      413,
      `The decision does not fit into the state of its thread, which has at most ${maxStateBytes} bytes ` +
        '(AGENT_MAX_STATE_BYTES). Shorten the reason or the edited arguments.',
    );
  }
  const input: DecideInput = { ...decided, approvalId, approved };
  const { agentName, threadId } = thread;
  await durableClient.signalEntity(await findThreadEntity(durableClient, agentName, threadId), 'decide', input);
  const endsAtMs = performance.now() + DECIDE_TIMEOUT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; performance.now() < endsAtMs; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    await pause(pauseMs);
    const now = requireApproval(await readApprovals(thread, durableClient), approvalId);
    if (now.approval.decision?.token === token) return { ...now, isNew: true };
    if (now.approval.decision !== undefined) return { ...sameDecision(now, digest), isNew: false };
  }
  throw new UnavailableError('The decision is not recorded yet. Repeat the request to get its result.');
}

/** Waits briefly for a state that contains the approval. */
async function readCommitted(
  thread: ThreadIdentity,
  approvalId: string,
  durableClient: DurableClient,
): Promise<ThreadState | undefined> {
  const endsAtMs = performance.now() + COMMIT_TIMEOUT_MS;
  for (;;) {
    const state = await readThread(durableClient, thread.agentName, thread.threadId);
    const hasApproval = state !== undefined && findApproval(waitingStateOf(state), approvalId) !== undefined;
    if (hasApproval || performance.now() > endsAtMs) return state;
    await pause(MAX_PAUSE_MS / 5);
  }
}

/** @throws UnavailableError if the host does not answer in time */
export async function readApprovals(
  { agentName, threadId }: ThreadIdentity,
  durableClient: DurableClient,
): Promise<WaitingState | undefined> {
  const state = await readThread(durableClient, agentName, threadId);
  return state && waitingStateOf(state);
}

export function isExpired({ decision, expiresAt }: Approval): boolean {
  return decision === undefined && Date.parse(expiresAt) <= Date.now();
}

/** Signals the entity of a thread to check its waiting run. */
export async function signalResume(
  { agentName, threadId }: ThreadIdentity,
  durableClient: DurableClient,
  input: { readonly cancels?: string } = {},
): Promise<void> {
  await durableClient.signalEntity(await findThreadEntity(durableClient, agentName, threadId), 'resume', input);
}

function requireApproval(waiting: WaitingState | undefined, approvalId: string): FoundApproval {
  const found = findApproval(waiting, approvalId);
  if (found === undefined) throw new HttpError(404, 'There is no approval with this id in the thread.');
  return found;
}

function findApproval(waiting: WaitingState | undefined, approvalId: string): FoundApproval | undefined {
  const { waitingRun, pastApprovals = [] } = waiting ?? {};
  const approval = waitingRun?.approvals.find((one) => one.approvalId === approvalId);
  if (waitingRun !== undefined && approval !== undefined) {
    return { approval, correlationId: waitingRun.request.correlationId };
  }
  const past = pastApprovals.find((one) => one.approvalId === approvalId);
  return past && { approval: past, correlationId: past.correlationId };
}

function sameDecision(found: FoundApproval, digest: string): FoundApproval {
  const { decision } = found.approval;
  if (decision?.state === 'expired') throw expired();
  if (decision?.digest === digest) return found;
  throw new HttpError(409, `The call was ${decision?.state ?? 'decided'} before.`);
}

function expired(): HttpError {
  return new HttpError(410, 'The approval has expired: the call is not made.');
}

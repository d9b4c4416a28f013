import { z } from 'zod';
import { ThreadStateError } from '../errors.js';
import { type RunRequest, runRequestSchema } from '../run-request.js';
import { boundOpenState, type BoundedThreadState } from '../thread/bound-thread-state.js';
import type { ThreadState } from '../thread/thread-state.js';
import { type Approval, type ApprovalDecision, approvalSchema } from './approval.js';

const MAX_PAST_APPROVALS = 20;

const waitingRunSchema = z.object({
  request: runRequestSchema,
  /** Its finished steps; see `RunSteps.finished`. */
  steps: z.record(z.string(), z.unknown()),
  /** The approvals of all rounds, in the order of their requests. */
  approvals: z.array(approvalSchema),
});

const waitingSchema = z.object({
  waitingRun: waitingRunSchema.optional(),
  deferredRuns: z.array(runRequestSchema).default([]),
  pastApprovals: z.array(z.object({ ...approvalSchema.shape, correlationId: z.string() })).default([]),
});

/** A run that waits for approval of tool calls, with everything that another delivery needs to continue it. */
export type WaitingRun = Readonly<z.infer<typeof waitingRunSchema>>;

/** An approval of an ended run, without its arguments. */
export type PastApproval = Approval & { readonly correlationId: string };

/** The part of a thread's state that concerns waiting runs. */
export interface WaitingState {
  /** Undefined if no run waits. */
  readonly waitingRun: WaitingRun | undefined;
  /** Messages that arrived during the wait, oldest first. Each starts a run when the earlier ones have ended. */
  readonly deferredRuns: readonly RunRequest[];
  /** The newest approvals of ended runs, at least those of the last one, to recognize a decision that is sent again. */
  readonly pastApprovals: readonly PastApproval[];
}

/** @throws ThreadStateError if this version cannot read it */
export function waitingStateOf({ data }: ThreadState): WaitingState {
  const parsed = waitingSchema.safeParse(data['extensionData'] ?? {});
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.');
    throw new ThreadStateError(`The stored state of this thread has a waiting run that cannot be read, at ${at}.`, {
      cause: parsed.error,
    });
  }
  const { waitingRun, deferredRuns, pastApprovals } = parsed.data;
  return { waitingRun, deferredRuns, pastApprovals };
}

export function withWaitingState(state: ThreadState, { waitingRun, ...waiting }: WaitingState): ThreadState {
  const { extensionData, ...data } = state.data;
  const others = z.record(z.string(), z.unknown()).safeParse(extensionData).data ?? {};
  const { waitingRun: _run, deferredRuns: _deferred, pastApprovals: _past, ...kept } = others;
  const own = {
    ...(waitingRun && { waitingRun }),
    ...(waiting.deferredRuns.length > 0 && { deferredRuns: waiting.deferredRuns }),
    ...(waiting.pastApprovals.length > 0 && { pastApprovals: waiting.pastApprovals }),
  };
  const extended = { ...kept, ...own };
  const isExtended = extensionData !== undefined || Object.keys(own).length > 0;
  return { ...state, data: { ...data, ...(isExtended && { extensionData: extended }) } };
}

/** Returns whether a thread has neither turns nor waiting runs. */
export function isEmptyState(state: ThreadState): boolean {
  const { waitingRun, deferredRuns } = waitingStateOf(state);
  return state.data.conversationHistory.length === 0 && waitingRun === undefined && deferredRuns.length === 0;
}

/** Returns the undecided approvals. */
export function openApprovals({ approvals }: WaitingRun): readonly Approval[] {
  return approvals.filter(({ decision }) => decision === undefined);
}

/** Returns the undecided approvals that have not expired. */
export function decidableApprovals(run: WaitingRun, now: Date): readonly Approval[] {
  return openApprovals(run).filter(({ expiresAt }) => Date.parse(expiresAt) > now.getTime());
}

/** Returns when the next approval of a run expires: ISO 8601 in UTC. Undefined if all are decided. */
export function nextExpiry(run: WaitingRun): string | undefined {
  return openApprovals(run)
    .map(({ expiresAt }) => expiresAt)
    .toSorted()[0];
}

/** Returns the undecided approvals that have expired. */
export function expiredApprovals(run: WaitingRun, now: Date): readonly Approval[] {
  return openApprovals(run).filter(({ expiresAt }) => Date.parse(expiresAt) <= now.getTime());
}

/** Returns whether a run of the thread waits for approvals that have expired, so that it can continue. */
export function hasExpiredApprovals(state: ThreadState, correlationId?: string): boolean {
  const { waitingRun } = waitingStateOf(state);
  const isMeant = correlationId === undefined || waitingRun?.request.correlationId === correlationId;
  return isMeant && waitingRun !== undefined && expiredApprovals(waitingRun, new Date()).length > 0;
}

/** Returns the run with a decision on some of its approvals. */
export function withDecision(run: WaitingRun, decided: readonly Approval[], decision: ApprovalDecision): WaitingRun {
  const ids = new Set(decided.map(({ approvalId }) => approvalId));
  const approvals = run.approvals.map((approval) =>
    ids.has(approval.approvalId) ? { ...approval, decision } : approval,
  );
  return { ...run, approvals };
}

/**
 * Returns the state with a decision on an approval of its waiting run. Drops the oldest turns if the decision
 * needs the space.
 *
 * @returns undefined if the state still exceeds `maxBytes`
 */
export function stateWithDecision(
  state: ThreadState,
  approval: Approval,
  decision: ApprovalDecision,
  maxBytes: number,
): BoundedThreadState | undefined {
  const waiting = waitingStateOf(state);
  const waitingRun = waiting.waitingRun && withDecision(waiting.waitingRun, [approval], decision);
  return boundOpenState(withWaitingState(state, { ...waiting, waitingRun }), maxBytes, new Date());
}

/** Returns the state after the end of its waiting run. Keeps the run's approvals as past ones, without arguments. */
export function withoutWaitingRun({ waitingRun, deferredRuns, pastApprovals }: WaitingState): WaitingState {
  const correlationId = waitingRun?.request.correlationId ?? '';
  const past = (waitingRun?.approvals ?? []).map(({ decision, ...approval }) => ({
    ...approval,
    arguments: {},
    correlationId,
    ...(decision && { decision: withoutArguments(decision) }),
  }));
  return {
    waitingRun: undefined,
    deferredRuns,
    // A decision on this run can still be waiting for its answer, so all of its approvals stay.
    pastApprovals: [...pastApprovals, ...past].slice(-Math.max(past.length, MAX_PAST_APPROVALS)),
  };
}

function withoutArguments({ arguments: edited, ...decision }: ApprovalDecision): ApprovalDecision {
  return { ...decision, ...(edited !== undefined && { argumentsEdited: true as const }) };
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AgentApprovalUpdate } from '../agent.js';
import type { RunIdentity } from '../run-event-source.js';
import type { CallPosition } from '../tools/run-steps.js';
import type { JsonObject } from '../thread/thread-state.js';
import type { ToolCall, ToolOutcome } from '../tools/call-tool.js';

const decisionSchema = z.object({
  state: z.enum(['approved', 'rejected', 'expired']),
  /** ISO 8601 in UTC. */
  decidedAt: z.string(),
  /** Id of the principal. Undefined if requests have none, or if nobody decided in time. */
  decidedBy: z.string().optional(),
  reason: z.string().optional(),
  /** Arguments that replace the model's. Undefined: the model's are used. */
  arguments: z.record(z.string(), z.unknown()).optional(),
  /** Whether a person replaced the model's arguments. Only set on past approvals, which keep no arguments. */
  argumentsEdited: z.literal(true).optional(),
  /** Id of the request that decided. */
  token: z.string().optional(),
  /** Equal for equal decisions; see {@link digestOf}. */
  digest: z.string().optional(),
});

export const approvalSchema = z.object({
  approvalId: z.string(),
  /** Round of the call, from 1. */
  round: z.int().min(1),
  /** Position of the call in its round, from 0. */
  index: z.int().min(0),
  callId: z.string(),
  toolName: z.string(),
  /** The model's arguments. */
  arguments: z.record(z.string(), z.unknown()),
  requestedAt: z.string(),
  expiresAt: z.string(),
  /** Undefined while the call waits. */
  decision: decisionSchema.optional(),
});

/** The approval of one tool call. */
export type Approval = Readonly<z.infer<typeof approvalSchema>>;

export type ApprovalDecision = Readonly<z.infer<typeof decisionSchema>>;

/**
 * Returns the id of a call's approval. A delivery after a crash gives the same call the same id. A call that differs in
 * anything that a person saw gets another id.
 */
export function approvalIdOf(
  { agentName, threadId, correlationId }: RunIdentity,
  { round, index }: CallPosition,
  { callId, toolName, arguments: args }: ToolCall,
): string {
  const call = JSON.stringify([agentName, threadId, correlationId, round, index, callId, toolName, args]);
  return createHash('sha256').update(call.toWellFormed()).digest('hex').slice(0, 32);
}

/** Returns a hash of the decision, without the person and the reason. */
export function digestOf(approved: boolean, editedArguments: JsonObject | undefined): string {
  const decided = JSON.stringify([approved, editedArguments ?? null]);
  return createHash('sha256').update(decided.toWellFormed()).digest('hex').slice(0, 32);
}

/** Returns the update of an approval before the decision. */
export function toRequestedUpdate(approval: Approval): AgentApprovalUpdate {
  const { approvalId, callId, toolName, arguments: args, expiresAt } = approval;
  return {
    kind: 'approval',
    text: '',
    approvalId,
    callId,
    toolName,
    arguments: args,
    state: 'requested',
    expiresAt,
  };
}

/** Returns the update of an approval, with its decision, if any. */
export function toApprovalUpdate(approval: Approval): AgentApprovalUpdate {
  const { decision } = approval;
  const requested = toRequestedUpdate(approval);
  if (decision === undefined) return requested;
  const { state, decidedAt, decidedBy, reason, arguments: edited, argumentsEdited } = decision;
  return {
    ...requested,
    arguments: edited ?? approval.arguments,
    state,
    decidedAt,
    ...(decidedBy !== undefined && { decidedBy }),
    ...(reason !== undefined && { reason }),
    ...((edited ?? argumentsEdited) !== undefined && { argumentsEdited: true as const }),
  };
}

/** Returns the result of a call that must not be made. Undefined if it may be made. */
export function refusalOf({ decision }: Approval): ToolOutcome | undefined {
  if (decision === undefined || decision.state === 'approved') return undefined;
  const why =
    decision.state === 'expired'
      ? 'Nobody approved this call in time, so it was not made.'
      : `A person rejected this call, so it was not made.${decision.reason ? ` Reason: ${decision.reason}` : ''}`;
  return { result: `Error: ${why}`, isError: true, durationMs: 0 };
}

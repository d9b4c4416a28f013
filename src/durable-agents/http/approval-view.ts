import type { z } from 'zod';
import { type Approval, toApprovalUpdate } from '../approvals/approval.js';
import type { approvalSchema, decidedApprovalSchema, openApprovalSchema } from './answer-schemas.js';

/** Returns an approval as part of a run's answer. */
export function toOpenApproval(approval: Approval): z.infer<typeof openApprovalSchema> {
  return {
    approval_id: approval.approvalId,
    tool_name: approval.toolName,
    arguments: approval.arguments,
    requested_at: approval.requestedAt,
    expires_at: approval.expiresAt,
  };
}

/** Returns an approval as callers see it. Omits keys without a value. */
export function toApprovalView(approval: Approval, correlationId: string): z.infer<typeof approvalSchema> {
  const { arguments: args, decidedAt, decidedBy, reason, argumentsEdited, state } = toApprovalUpdate(approval);
  return {
    approval_id: approval.approvalId,
    correlation_id: correlationId,
    call_id: approval.callId,
    tool_name: approval.toolName,
    arguments: args,
    requested_at: approval.requestedAt,
    expires_at: approval.expiresAt,
    state,
    decided_at: decidedAt,
    decided_by: decidedBy,
    reason,
    arguments_edited: argumentsEdited,
  };
}

/** Returns an approval as the answer to a decision. */
export function toDecidedApproval(approval: Approval, correlationId: string): z.infer<typeof decidedApprovalSchema> {
  const { arguments: _, ...decided } = toApprovalView(approval, correlationId);
  return decided;
}

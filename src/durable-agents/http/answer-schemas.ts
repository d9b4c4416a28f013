import { z } from 'zod';
import { RUN_STATUSES } from '../runs/run-record.js';
import { ROLES } from '../run-request.js';

/*
 * What the routes of agents take and answer, for the description of the API. Objects may get further keys.
 */

/** A message in JSON. The same fields can have other spellings, see docs/api.md. */
export const runBodySchema = z.object({
  message: z.string().min(1),
  thread_id: z.union([z.string(), z.number()]).nullish().describe('A new thread if it is absent.'),
  wait_for_response: z.boolean().optional().describe('False answers 202 at once. Default: true.'),
  role: z.enum(ROLES).optional().describe('Default: user.'),
  multitask_strategy: z.enum(['enqueue', 'reject', 'interrupt']).optional().describe('Default: enqueue.'),
});

export const errorSchema = z.object({ error: z.string() });

const requestKeys = {
  message: z.string(),
  thread_id: z.string(),
  correlation_id: z.string(),
  session_id: z.string(),
  sessionId: z.string(),
  correlationId: z.string(),
};

export const answeredRunSchema = z.object({
  response: z.string(),
  status: z.literal('success'),
  ...requestKeys,
  message_count: z.int(),
  messageCount: z.int(),
});

export const acceptedRunSchema = z.object({
  response: z.string(),
  status: z.enum(['accepted', 'timeout']),
  ...requestKeys,
});

/** An approval that a run waits for. */
export const openApprovalSchema = z.object({
  approval_id: z.string(),
  tool_name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  requested_at: z.string(),
  expires_at: z.string(),
});

/** Other objects may get further keys; the status tells which one it is. */
export const waitingRunSchema = z.object({
  response: z.string(),
  status: z.literal('waiting_for_approval'),
  ...requestKeys,
  approvals: z.array(openApprovalSchema),
});

/** An approval of a run that waits, or that has asked before. */
export const approvalSchema = z.object({
  approval_id: z.string(),
  correlation_id: z.string(),
  call_id: z.string(),
  tool_name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  requested_at: z.string(),
  expires_at: z.string(),
  state: z.enum(['requested', 'approved', 'rejected', 'expired']),
  decided_at: z.string().optional(),
  decided_by: z.string().optional(),
  reason: z.string().optional(),
  arguments_edited: z.literal(true).optional(),
});

export const approvalsSchema = z.object({ approvals: z.array(approvalSchema) });

export const approvalDecisionSchema = z.object({
  approved: z.boolean(),
  reason: z.string().max(2000).nullish().describe('The model reads it with a refusal.'),
  arguments: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe('Replaces the arguments of an approved call. Must fit the schema of the tool.'),
});

export const decidedApprovalSchema = approvalSchema.omit({ arguments: true });

export const failedRunSchema = z.object({
  error: z.string(),
  status: z.literal('error'),
  ...requestKeys,
  error_code: z.string(),
  errorCode: z.string(),
});

export const usageSchema = z.looseObject({
  type: z.literal('usage_details'),
  input_token_count: z.int(),
  output_token_count: z.int(),
  total_token_count: z.int(),
});

export const costSchema = z.object({ amount: z.number(), currency: z.string().describe('ISO 4217') });

/** A run as callers see it. */
export const runSchema = z.object({
  correlation_id: z.string(),
  status: z.enum(RUN_STATUSES),
  created_at: z.string(),
  started_at: z.string().optional(),
  first_update_at: z.string().optional(),
  ended_at: z.string().optional(),
  attempt: z.int(),
  message: z.string(),
  response: z.string().optional(),
  usage: usageSchema.optional(),
  cost: costSchema.optional(),
  finish_reason: z.string().optional(),
  error_code: z.string().optional(),
  error: z.string().optional(),
  approvals: z.array(openApprovalSchema).optional(),
});

export const healthSchema = z.object({
  status: z.literal('healthy'),
  agents: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      http_endpoint_enabled: z.boolean(),
      mcp_tool_enabled: z.boolean(),
    }),
  ),
  agent_count: z.int(),
});

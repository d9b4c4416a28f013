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

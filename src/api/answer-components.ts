import { z } from 'zod';
import { apiSchemas } from '../durable-agents/index.js';

const eventKeys = {
  timestamp: z.string(),
  agent_name: z.string(),
  thread_id: z.string(),
  correlation_id: z.string(),
  request_message: z.string().optional().describe('Missing if request_message=once left it out.'),
  run_started_at: z.string(),
  attempt: z.int(),
  sequence: z.int(),
};

/** A callback event. Clients must expect further kinds. */
const eventSchema = z.union([
  z.looseObject({
    ...eventKeys,
    event_type: z.literal('final'),
    response_text: z.string(),
    usage: apiSchemas.usageSchema.nullable(),
    cost: apiSchemas.costSchema.optional(),
    finish_reason: z.string(),
    omitted_turn_count: z.int().optional(),
    lost_events: z.int().optional(),
  }),
  z.looseObject({
    ...eventKeys,
    event_type: z.literal('failed'),
    error_code: z.string(),
    error_message: z.string(),
    omitted_turn_count: z.int().optional(),
    lost_events: z.int().optional(),
  }),
  z.looseObject({ ...eventKeys, event_type: z.literal('stream'), update_kind: z.string(), text: z.string() }),
  z.looseObject({
    ...eventKeys,
    event_type: z.literal('approval'),
    text: z.literal(''),
    approval_id: z.string(),
    call_id: z.string(),
    tool_name: z.string(),
    arguments: z.unknown(),
    state: z.enum(['requested', 'approved', 'rejected', 'expired']),
    expires_at: z.string(),
    decided_at: z.string().optional(),
    decided_by: z.string().optional(),
    reason: z.string().optional(),
    arguments_edited: z.literal(true).optional(),
  }),
]);

const threadSchema = z.object({
  thread_id: z.string(),
  first_event_at: z.string().nullable(),
  last_event_at: z.string().nullable(),
  event_count: z.int(),
  run_count: z.int(),
  failed_run_count: z.int(),
  last_event_type: z.string().nullable(),
  input_token_count: z.int(),
  output_token_count: z.int(),
  total_token_count: z.int(),
  cost: apiSchemas.costSchema.optional(),
  title: z.string(),
  status: apiSchemas.runSchema.shape.status,
  created_at: z.string(),
  last_activity_at: z.string(),
});

/** The schemas of request and response bodies, by their names in the description. */
export const components = {
  RunRequest: apiSchemas.runBodySchema,
  AnsweredRun: apiSchemas.answeredRunSchema,
  AcceptedRun: apiSchemas.acceptedRunSchema,
  StartedRun: z.union([apiSchemas.acceptedRunSchema, apiSchemas.waitingRunSchema]),
  FailedRun: apiSchemas.failedRunSchema,
  Approvals: apiSchemas.approvalsSchema,
  ApprovalDecision: apiSchemas.approvalDecisionSchema,
  DecidedApproval: apiSchemas.decidedApprovalSchema,
  Run: apiSchemas.runSchema,
  Runs: z.array(apiSchemas.runSchema),
  Conversation: apiSchemas.conversationSchema,
  Threads: z.array(threadSchema),
  Stats: apiSchemas.statsSchema,
  Events: z.array(eventSchema),
  Health: apiSchemas.healthSchema,
  Error: apiSchemas.errorSchema,
} as const;

export type ComponentName = keyof typeof components;

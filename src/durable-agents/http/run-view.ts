import type { z } from 'zod';
import type { runSchema } from './answer-schemas.js';
import type { KnownRun } from '../client/read-run.js';
import { toOpenApproval } from './approval-view.js';

/** Returns a run as callers see it. Omits keys without a value. */
export function toRunView(record: KnownRun): z.infer<typeof runSchema> {
  const { usage } = record;
  return {
    correlation_id: record.correlationId,
    status: record.status,
    created_at: record.createdAt,
    started_at: record.startedAt,
    first_update_at: record.firstUpdateAt,
    ended_at: record.endedAt,
    attempt: record.attempt,
    message: record.message,
    response: record.response,
    usage: usage && {
      type: 'usage_details',
      input_token_count: usage.inputTokenCount,
      output_token_count: usage.outputTokenCount,
      total_token_count: usage.totalTokenCount,
      ...usage.extra,
    },
    cost: record.cost,
    finish_reason: record.finishReason,
    error_code: record.errorCode,
    error: record.error,
    approvals: record.approvals?.map(toOpenApproval),
  };
}

import { z } from 'zod';
import { RUN_STATUSES } from '../../durable-agents/index.js';
import { flag, oneOf, timeOf, wholeNumber } from '../../functions/query-parameters.js';
import { parseCursor } from '../domain/event-cursor.js';

const cursor = z.string().transform((text, context) => {
  const parsed = parseCursor(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'a cursor from x-next-cursor or an event id, or a sequence number' });
  return z.NEVER;
});

const correlationId = z.string().regex(/^[0-9a-f]{32}$/, 'the 32 lower-case hex digits of a run');
const superseded = flag().optional();
const requestMessage = oneOf('each', 'once').default('each');

/** `GET …/callbacks/{thread_id}` */
export const listQuery = z.object({
  after: cursor.optional(),
  limit: wholeNumber(1, 1000).optional(),
  correlation_id: correlationId.optional(),
  event_type: oneOf('stream', 'approval', 'final', 'failed').optional(),
  superseded,
  request_message: requestMessage,
  /** Long-polls for up to this many seconds. */
  wait: wholeNumber(0, 30).default(0),
});

/** `GET …/callbacks/{thread_id}/stream` */
export const streamQuery = z
  .object({
    /** What EventSource polyfills send instead of the header `Last-Event-ID`. */
    lastEventId: cursor.optional(),
    after: cursor.optional(),
    from: oneOf('start', 'now').optional(),
    correlation_id: correlationId.optional(),
    until: oneOf('run-end').optional(),
    superseded,
  })
  .refine(({ until, correlation_id }) => until === undefined || correlation_id !== undefined, {
    path: ['correlation_id'],
    message: 'the run to wait for with until=run-end',
  });

/** `GET …/callbacks/{thread_id}/export` */
export const exportQuery = z.object({
  format: oneOf('jsonl', 'csv').default('jsonl'),
  /** Starts a CSV file with a byte order mark. */
  bom: flag().default(false),
  superseded,
});

/** `GET agents/{agentName}/threads` */
export const threadsQuery = z.object({
  limit: wholeNumber(1, 1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{13}\|[0-9a-f]{32}$/, 'a cursor from x-next-cursor')
    .optional(),
  /** Of the newest run. */
  status: oneOf(...RUN_STATUSES).optional(),
  /** Only threads whose last activity is at or after this time. */
  since: timeOf().optional(),
  /** Only threads whose last activity is before this time. */
  until: timeOf().optional(),
  /** Only threads with this text in id or title. */
  q: z.string().max(200, 'at most 200 characters').optional(),
});

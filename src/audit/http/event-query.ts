import { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';
import { parseCursor } from '../domain/event-cursor.js';

const cursor = z.string().transform((text, context) => {
  const parsed = parseCursor(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'a cursor of x-next-cursor or of an event id, or a sequence number' });
  return z.NEVER;
});

const correlationId = z.string().regex(/^[0-9a-f]{32}$/, 'the 32 lower-case hex digits of a run');

/** Also the events of attempts that a later one has taken the place of. */
const superseded = oneOf('true', 'false')
  .transform((value) => value === 'true')
  .optional();

function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, values.join(' or '));
}

/** `GET …/callbacks/{thread_id}` */
export const listQuery = z.object({
  after: cursor.optional(),
  limit: wholeNumber(1, 1000).optional(),
  correlation_id: correlationId.optional(),
  event_type: oneOf('stream', 'final', 'failed').optional(),
  superseded,
  /** Seconds that an answer without events is put off for. */
  wait: wholeNumber(0, 30).default(0),
});

/** `GET …/callbacks/{thread_id}/stream` */
export const streamQuery = z
  .object({
    after: cursor.optional(),
    from: oneOf('start', 'now').optional(),
    correlation_id: correlationId.optional(),
    until: oneOf('run-end').optional(),
    superseded,
  })
  .refine(({ until, correlation_id }) => until === undefined || correlation_id !== undefined, {
    path: ['correlation_id'],
    message: 'the run whose end until=run-end waits for',
  });

/** `GET …/callbacks/{thread_id}/export` */
export const exportQuery = z.object({ format: oneOf('jsonl', 'csv').default('jsonl'), superseded });

/** `GET agents/{agentName}/threads` */
export const threadsQuery = z.object({
  limit: wholeNumber(1, 1000).default(100),
  /** Where a page of threads ends: the time of a last event, and the id of its thread percent-encoded. */
  cursor: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,(?:[^%]|%[\dA-F]{2}){1,1600}$/s, 'a cursor of x-next-cursor')
    .transform((text, context) => {
      try {
        return decodeURI(text);
      } catch (error) {
        if (!(error instanceof URIError)) throw error;
        context.addIssue({ code: 'custom', message: 'a cursor of x-next-cursor' });
        return z.NEVER;
      }
    })
    .optional(),
});

/**
 * Reads query parameters; an empty one counts as absent, and one that is not asked for is ignored.
 *
 * @throws HttpError 400 that names the first bad parameter and what was expected
 */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: URLSearchParams): z.infer<Schema> {
  const given = Object.fromEntries([...query].filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(400, `Invalid ${String(issue?.path[0])}: expected ${issue?.message}`);
}

import type { HttpHandler, HttpRequest, InvocationContext } from '@azure/functions';
import { getClient } from 'durable-functions';
import { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';
import type { Logger } from '../../functions/logger.js';
import { parseQuery, wholeNumber } from '../../functions/query-parameters.js';
import { routeParameter } from '../../functions/route-parameter.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { AccessAction } from '../access/authorize.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { signalResume } from '../client/decide-approval.js';
import { type KnownRun, readRun, type ReadRunOptions } from '../client/read-run.js';
import { ThreadStateError } from '../errors.js';
import type { RunIdentity } from '../run-event-source.js';
import { isEnded } from '../runs/run-record.js';
import type { RunRecords } from '../runs/run-records.js';
import { RUN_RETRY_AFTER_SECONDS } from './run-answer.js';
import { toRunView } from './run-view.js';

export interface RunRoutesOptions {
  readonly access: ThreadAccess;
  readonly runRecords: RunRecords;
  /** Added to the error for an unknown run, to explain a likely reason. Optional. */
  readonly unknownRunHint?: string | undefined;
}

const noStore = { 'cache-control': 'no-store' };

/** `GET agents/{agentName}/threads/{thread_id}/runs/{correlation_id}` */
export function createGetRunRoute(options: RunRoutesOptions): HttpHandler {
  return withErrorHandling(async (request, context, log) => {
    const run = await runOf(request, context, options.access, 'read');
    const record = await requireRun(run, { ...options, durableClient: getClient(context), log });
    const headers = isEnded(record) ? noStore : { ...noStore, 'retry-after': String(RUN_RETRY_AFTER_SECONDS) };
    return { headers, jsonBody: toRunView(record) };
  });
}

/** `GET agents/{agentName}/threads/{thread_id}/runs` */
export const runsQuery = z.object({
  limit: wholeNumber(1, 1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{18}\|[0-9a-f]{32}$/, 'a cursor of x-next-cursor')
    .optional(),
});

/** `GET agents/{agentName}/threads/{thread_id}/runs`: lists the runs, newest first, without their responses. */
export function createListRunsRoute({ access, runRecords }: RunRoutesOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await access.threadOf(request, context, 'read');
    const { limit, cursor } = parseQuery(runsQuery, request.query);
    const { runs, next } = await runRecords.list(thread, { limit, after: cursor });
    return {
      headers: { ...noStore, 'x-has-more': String(next !== undefined), ...(next && { 'x-next-cursor': next }) },
      jsonBody: runs.map((record) => toRunView({ ...record, response: undefined })),
    };
  });
}

/**
 * `POST agents/{agentName}/threads/{thread_id}/runs/{correlation_id}/cancel`: 202 if this request cancels the run, 200
 * if the run was already cancelled, 409 if it completed or failed.
 */
export function createCancelRunRoute(options: RunRoutesOptions): HttpHandler {
  return withErrorHandling(async (request, context, log) => {
    const run = await runOf(request, context, options.access, 'cancel');
    const durableClient = getClient(context);
    let record = await requireRun(run, { ...options, durableClient, log });
    const isNew = !isEnded(record);
    if (isNew) {
      const cancelled = await options.runRecords.cancel(run);
      // Without a record, nothing would tell a deferred run that it is cancelled.
      if (cancelled === undefined && record.status === 'queued') throw unknownRun(options);
      // A waiting run does not notice the cancellation until its entity is signalled. It may have no record.
      const isWaiting = cancelled === undefined || cancelled.status === 'waiting_for_approval';
      if (isWaiting) await signalResume(run, durableClient, { cancels: run.correlationId });
      else record = cancelled;
    }
    if (isEnded(record) && record.status !== 'cancelled') {
      throw new HttpError(409, `The run has ended before it was cancelled: its status is ${record.status}.`);
    }
    return { status: isNew ? 202 : 200, headers: noStore, jsonBody: toRunView(record) };
  });
}

interface RequireRunOptions extends RunRoutesOptions, ReadRunOptions {
  readonly log: Logger;
}

/** @throws HttpError 404 if the run is unknown */
async function requireRun(run: RunIdentity, options: RequireRunOptions): Promise<KnownRun> {
  const record = await readRun(run, options).catch((error: unknown) => {
    if (error instanceof ThreadStateError) throw new HttpError(500, error.message, { cause: error });
    throw error;
  });
  if (record === undefined) throw unknownRun(options);
  return record;
}

function unknownRun({ unknownRunHint }: Pick<RunRoutesOptions, 'unknownRunHint'>): HttpError {
  const hint = unknownRunHint === undefined ? '' : ` ${unknownRunHint}`;
  return new HttpError(404, `There is no run with this correlation_id in the thread.${hint}`);
}

async function runOf(
  request: HttpRequest,
  context: InvocationContext,
  access: ThreadAccess,
  action: AccessAction,
): Promise<RunIdentity> {
  const thread = await access.threadOf(request, context, action);
  const correlationId = routeParameter(request, 'correlation_id') ?? '';
  if (!/^[0-9a-f]{32}$/.test(correlationId)) {
    throw new HttpError(400, 'Invalid correlation_id: expected the 32 lower-case hex digits of a run');
  }
  return { ...thread, correlationId };
}

import type { HttpHandler } from '@azure/functions';
import { getClient } from 'durable-functions';
import type { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';
import { isDeeperThan } from '../../functions/is-deeper-than.js';
import { routeParameter } from '../../functions/route-parameter.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { decideApproval, isExpired, readApprovals, signalResume } from '../client/decide-approval.js';
import { ThreadStateError } from '../errors.js';
import { MAX_ARGUMENT_LEVELS } from '../tools/plain-json.js';
import { describeIssues, ToolError } from '../tools/tool.js';
import { approvalDecisionSchema, type approvalsSchema } from './answer-schemas.js';
import { toApprovalView, toDecidedApproval } from './approval-view.js';
import { readJsonBody } from './request-body.js';

const MAX_ARGUMENT_BYTES = 64 * 1024;
const noStore = { 'cache-control': 'no-store' };

/** `GET agents/{agentName}/threads/{thread_id}/approvals`: lists the approvals of the waiting run. */
export function createListApprovalsRoute(access: ThreadAccess): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await access.threadOf(request, context, 'read');
    const durableClient = getClient(context);
    const waitingRun = (await readApprovals(thread, durableClient).catch(refuseUnreadable))?.waitingRun;
    const { approvals = [], request: run } = waitingRun ?? {};
    if (approvals.some(isExpired)) await signalResume(thread, durableClient);
    const views = approvals.map((approval) => {
      const view = toApprovalView(approval, run?.correlationId ?? '');
      return isExpired(approval) ? { ...view, state: 'expired' as const } : view;
    });
    return { headers: noStore, jsonBody: { approvals: views } satisfies z.infer<typeof approvalsSchema> };
  });
}

export interface DecideApprovalRouteOptions {
  readonly access: ThreadAccess;
  /** Maximum size of a thread's state, in bytes of JSON. */
  readonly maxStateBytes: number;
}

/**
 * `POST agents/{agentName}/threads/{thread_id}/approvals/{approval_id}`: 202 if the decision is recorded, 200 if the
 * same decision was made before, 409 if another one was.
 */
export function createDecideApprovalRoute({ access, maxStateBytes }: DecideApprovalRouteOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const { thread, principal } = await access.callerOf(request, context, 'approve');
    const body = approvalDecisionSchema.safeParse(await readJsonBody(request));
    if (!body.success) throw new HttpError(400, `Invalid decision: ${describeIssues(body.error)}`);
    const { approved, reason, arguments: edited } = body.data;
    if (!approved && edited) throw new HttpError(400, 'Invalid decision: arguments are for an approved call.');
    if (edited && isDeeperThan(MAX_ARGUMENT_LEVELS, edited)) {
      throw new HttpError(400, `Invalid decision: arguments are nested at most ${MAX_ARGUMENT_LEVELS} levels deep.`);
    }
    if (edited && Buffer.byteLength(JSON.stringify(edited)) > MAX_ARGUMENT_BYTES) {
      throw new HttpError(400, `Invalid decision: arguments are at most ${MAX_ARGUMENT_BYTES} bytes.`);
    }
    const decision = {
      approvalId: routeParameter(request, 'approval_id') ?? '',
      approved,
      reason: reason ?? undefined,
      arguments: edited ?? undefined,
      decidedBy: principal?.id,
    };
    const tools = access.agents.find(thread.agentName)?.agent.tools ?? [];
    const checkArguments = async (toolName: string, args: Readonly<Record<string, unknown>>): Promise<void> => {
      const tool = tools.find(({ name }) => name === toolName);
      if (tool === undefined) throw new HttpError(400, `The agent no longer has a tool named ${toolName}.`);
      try {
        await tool.prepare(args);
      } catch (error) {
        if (error instanceof ToolError)
          throw new HttpError(400, `Invalid decision: ${error.message}`, { cause: error });
        throw error;
      }
    };
    const options = { durableClient: getClient(context), checkArguments, maxStateBytes };
    const decided = await decideApproval(thread, decision, options).catch(refuseUnreadable);
    return {
      status: decided.isNew ? 202 : 200,
      headers: noStore,
      jsonBody: toDecidedApproval(decided.approval, decided.correlationId),
    };
  });
}

function refuseUnreadable(error: unknown): never {
  if (error instanceof ThreadStateError) throw new HttpError(500, error.message, { cause: error });
  throw error;
}

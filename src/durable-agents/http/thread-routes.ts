import { app, type HttpFunctionOptions, type HttpHandler, type HttpMethod } from '@azure/functions';
import { input } from 'durable-functions';
import {
  createDecideApprovalRoute,
  createListApprovalsRoute,
  type DecideApprovalRouteOptions,
} from './approval-routes.js';
import { createConversationRoute } from './conversation-route.js';
import { createDeleteThreadRoute, type DeleteThreadRouteOptions } from './delete-thread-route.js';
import { createCancelRunRoute, createGetRunRoute, createListRunsRoute, type RunRoutesOptions } from './run-routes.js';

export type ThreadRoutesOptions = DeleteThreadRouteOptions &
  RunRoutesOptions &
  DecideApprovalRouteOptions & { readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']> };

/** Registers the endpoints for threads, runs and approvals of all agents. */
export function registerThreadRoutes({ authLevel, ...options }: ThreadRoutesOptions): void {
  const add = (name: string, method: HttpMethod, route: string, handler: HttpHandler): void =>
    app.http(name, {
      methods: [method],
      route: `agents/{agentName}/threads/{thread_id}${route}`,
      authLevel,
      extraInputs: [input.durableClient()],
      handler,
    });
  add('get_thread', 'GET', '', createConversationRoute(options.access));
  add('delete_thread', 'DELETE', '', createDeleteThreadRoute(options));
  add('list_runs', 'GET', '/runs', createListRunsRoute(options));
  add('get_run', 'GET', '/runs/{correlation_id}', createGetRunRoute(options));
  add('cancel_run', 'POST', '/runs/{correlation_id}/cancel', createCancelRunRoute(options));
  add('list_approvals', 'GET', '/approvals', createListApprovalsRoute(options.access));
  add('decide_approval', 'POST', '/approvals/{approval_id}', createDecideApprovalRoute(options));
}

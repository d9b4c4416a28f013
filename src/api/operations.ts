import type { z } from 'zod';
import { exportQuery, listQuery, streamQuery, threadsQuery } from '../audit/http/callback-request.js';
import { apiSchemas } from '../durable-agents/index.js';
import type { ComponentName } from './answer-components.js';

/** The body of an answer: the name of a JSON schema, other media types, or no body. */
type Answer = { readonly json: ComponentName } | { readonly mediaTypes: readonly string[] } | 'empty';

/** A route of the API, as described in the OpenAPI document. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post' | 'delete';
  /** Below `/api`, with parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: ComponentName;
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Statuses with an error body. */
  readonly errors: readonly number[];
}

const THREAD = '/agents/{agentName}/threads/{thread_id}';
const CALLBACKS = '/agents/{agentName}/callbacks/{thread_id}';
const RUN = `${THREAD}/runs/{correlation_id}`;
const forThread = [400, 403, 404, 503] as const;

/** Every route of the app. To add a route, add it here: a test compares the list with the registered routes. */
export const operations: readonly Operation[] = [
  {
    id: 'runAgent',
    method: 'post',
    path: '/agents/{agentName}/run',
    summary: 'Sends a message to a thread.',
    body: 'RunRequest',
    answers: {
      200: { json: 'AnsweredRun' },
      202: { json: 'StartedRun' },
      500: { json: 'AcceptedRun' },
      502: { json: 'FailedRun' },
    },
    errors: [400, 403, 404, 409, 413, 415, 503],
  },
  {
    id: 'listThreads',
    method: 'get',
    path: '/agents/{agentName}/threads',
    summary: 'Lists threads, most recent activity first.',
    query: threadsQuery,
    answers: { 200: { json: 'Threads' } },
    errors: forThread,
  },
  {
    id: 'getStats',
    method: 'get',
    path: '/agents/{agentName}/stats',
    summary: 'Summarizes the runs of an agent over time.',
    query: apiSchemas.statsQuery,
    answers: { 200: { json: 'Stats' } },
    errors: forThread,
  },
  {
    id: 'getThread',
    method: 'get',
    path: THREAD,
    summary: "Returns a thread's conversation, from its end.",
    query: apiSchemas.conversationQuery,
    answers: { 200: { json: 'Conversation' } },
    errors: forThread,
  },
  {
    id: 'listRuns',
    method: 'get',
    path: `${THREAD}/runs`,
    summary: "Lists a thread's runs, newest first.",
    query: apiSchemas.runsQuery,
    answers: { 200: { json: 'Runs' } },
    errors: forThread,
  },
  {
    id: 'getRun',
    method: 'get',
    path: RUN,
    summary: 'Returns the status of a run.',
    answers: { 200: { json: 'Run' } },
    errors: forThread,
  },
  {
    id: 'cancelRun',
    method: 'post',
    path: `${RUN}/cancel`,
    summary: 'Cancels a run. 200 if it was already cancelled.',
    answers: { 200: { json: 'Run' }, 202: { json: 'Run' } },
    errors: [...forThread, 409],
  },
  {
    id: 'listApprovals',
    method: 'get',
    path: `${THREAD}/approvals`,
    summary: 'Lists the approvals of the waiting run.',
    answers: { 200: { json: 'Approvals' } },
    errors: forThread,
  },
  {
    id: 'decideApproval',
    method: 'post',
    path: `${THREAD}/approvals/{approval_id}`,
    summary: 'Approves or rejects a tool call. 200 if the same decision was already made.',
    body: 'ApprovalDecision',
    answers: { 200: { json: 'DecidedApproval' }, 202: { json: 'DecidedApproval' } },
    errors: [...forThread, 409, 410, 413, 415],
  },
  {
    id: 'listEvents',
    method: 'get',
    path: CALLBACKS,
    summary: "Returns a thread's events, oldest first.",
    query: listQuery,
    answers: { 200: { json: 'Events' }, 304: 'empty' },
    errors: [...forThread, 413],
  },
  {
    id: 'streamEvents',
    method: 'get',
    path: `${CALLBACKS}/stream`,
    summary: "Streams a thread's events as server-sent events.",
    query: streamQuery,
    answers: { 200: { mediaTypes: ['text/event-stream'] }, 204: 'empty' },
    errors: forThread,
  },
  {
    id: 'exportEvents',
    method: 'get',
    path: `${CALLBACKS}/export`,
    summary: "Downloads a thread's events.",
    query: exportQuery,
    answers: { 200: { mediaTypes: ['application/jsonl', 'text/csv'] } },
    errors: forThread,
  },
  {
    id: 'clearEvents',
    method: 'delete',
    path: CALLBACKS,
    summary: "Removes a thread's events, not its conversation.",
    answers: { 204: 'empty' },
    errors: forThread,
  },
  {
    id: 'deleteThread',
    method: 'delete',
    path: THREAD,
    summary: 'Deletes a thread: its conversation, its runs and its events.',
    query: apiSchemas.deleteThreadQuery,
    answers: { 204: 'empty' },
    errors: forThread,
  },
  {
    id: 'getHealth',
    method: 'get',
    path: '/health',
    summary: 'Returns the agents, and the state of the event store.',
    answers: { 200: { json: 'Health' } },
    errors: [],
  },
  {
    id: 'getApiDescription',
    method: 'get',
    path: '/openapi.json',
    summary: 'Returns this description.',
    answers: { 200: { mediaTypes: ['application/json'] } },
    errors: [],
  },
  {
    id: 'getDashboard',
    method: 'get',
    path: '/dashboard',
    summary: 'Serves the dashboard.',
    answers: { 200: { mediaTypes: ['text/html'] }, 304: 'empty' },
    errors: [],
  },
  {
    id: 'getDashboardAsset',
    method: 'get',
    path: '/dashboard/{asset}',
    summary: 'Serves a file of the dashboard.',
    answers: { 200: { mediaTypes: ['text/javascript', 'text/css', 'image/svg+xml'] }, 304: 'empty' },
    errors: [404],
  },
];

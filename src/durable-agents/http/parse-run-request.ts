import type { HttpRequest } from '@azure/functions';
import { HttpError } from '../../functions/http-error.js';
import { threadIdOfKey } from './idempotency-key.js';
import { ROLES, type RunRequest } from '../run-request.js';
import { fitsInState } from '../thread/bound-thread-state.js';
import { MULTITASK_STRATEGIES, type MultitaskStrategy } from '../client/accept-run.js';
import { checkResponseSchema, ResponseSchemaError } from '../structured-output.js';
import { createId } from '../thread/thread-id.js';
import { requireThreadId } from './require-thread-id.js';
import { readRequestBody, type RequestBody } from './request-body.js';

type Fields = Readonly<Record<string, unknown>>;

const THREAD_ID_NAMES = ['thread_id', 'session_id', 'sessionId', 'threadId'];
const WAIT_NAMES = ['wait_for_response', 'waitForResponse'];
const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';
const IDEMPOTENCY_KEY = /^[A-Za-z0-9._~:@=+-]{1,128}$/;
const WAIT_HEADER = 'x-ms-wait-for-response';

/** The destination of a run request and the form of its answer. Its message is not checked yet. */
export interface RunEnvelope {
  readonly threadId: string;
  readonly waitForResponse: boolean;
  /** Identifies the run across requests. `undefined` if the request is a new run. */
  readonly idempotencyKey: string | undefined;
  /** What to do if another run of the thread has not ended. */
  readonly multitaskStrategy: MultitaskStrategy;
  readonly body: RequestBody;
}

/**
 * Parses where a run request goes and how to answer it. {@link parseRunMessage} parses the message, its role and its
 * options.
 *
 * @throws HttpError 400 or 413
 */
export async function parseRunEnvelope(request: HttpRequest, agentName: string): Promise<RunEnvelope> {
  const body = await readRequestBody(request);
  const fields = body.kind === 'json' ? body.fields : {};
  const idempotencyKey = idempotencyKeyOf(request);
  const newThreadId = idempotencyKey === undefined ? createId() : threadIdOfKey(agentName, idempotencyKey);
  return {
    threadId: threadIdOf(request.query, fields) ?? newThreadId,
    waitForResponse: waitForResponseOf(request, fields),
    idempotencyKey,
    multitaskStrategy: multitaskStrategyOf(request.query, fields),
    body,
  };
}

function multitaskStrategyOf(query: URLSearchParams, fields: Fields): MultitaskStrategy {
  const value = [fields['multitask_strategy'], query.get('multitask_strategy')].find(isGiven) ?? 'enqueue';
  const strategy = MULTITASK_STRATEGIES.find((known) => known === value);
  if (strategy !== undefined) return strategy;
  throw new HttpError(400, `Invalid multitask_strategy: expected ${MULTITASK_STRATEGIES.join(', ')}`);
}

/** Limits for messages of callers. */
export interface MessageRules {
  /** Maximum size of a message, in bytes of UTF-8. */
  readonly maxBytes: number;
  /** Maximum size of a thread's stored state, in bytes of JSON. */
  readonly maxStateBytes: number;
  readonly allowedRoles: readonly RunRequest['role'][];
}

/** Parses the message of a run request, its role and its options. @throws HttpError 400 or 413 */
export function parseRunMessage(
  body: RequestBody,
  { maxBytes, maxStateBytes, allowedRoles }: MessageRules,
): Pick<RunRequest, 'message' | 'role' | 'enableToolCalls' | 'responseSchema'> {
  const fields = body.kind === 'json' ? body.fields : { message: body.text };
  const message = messageOf(fields['message']);
  if (Buffer.byteLength(message) > maxBytes) {
    throw new HttpError(413, `Message is too large: expected at most ${maxBytes} bytes of UTF-8.`);
  }
  if (!fitsInState(message, maxStateBytes)) {
    throw new HttpError(
      413,
      `Message is too large: as JSON it does not fit into a thread of ${maxStateBytes} bytes (AGENT_MAX_STATE_BYTES).`,
    );
  }
  const responseSchema = responseSchemaOf(fields['response_format']);
  const enableToolCalls = coerceBoolean(fields['enable_tool_calls'] ?? true);
  const role = allowedRole(fields['role'], allowedRoles);
  return { message, role, enableToolCalls, ...(responseSchema && { responseSchema }) };
}

function responseSchemaOf(format: unknown): RunRequest['responseSchema'] {
  if (format === undefined || format === null) return undefined;
  if (typeof format !== 'object' || Array.isArray(format)) {
    throw new HttpError(400, 'Invalid response_format: expected a JSON Schema object');
  }
  const schema = { ...format };
  try {
    checkResponseSchema(schema);
  } catch (error) {
    if (!(error instanceof ResponseSchemaError)) throw error;
    throw new HttpError(400, `Invalid response_format: ${error.message}`, { cause: error });
  }
  return schema;
}

function messageOf(value: unknown): string {
  if (value === undefined || value === null) throw new HttpError(400, 'Message is required');
  if (typeof value !== 'string') throw new HttpError(400, 'Message must be a string');
  if (value.trim() === '') throw new HttpError(400, 'Message is required');
  return value;
}

function allowedRole(value: unknown, allowed: readonly RunRequest['role'][]): RunRequest['role'] {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  const role = allowed.find((known) => known === (text || 'user'));
  if (role !== undefined) return role;
  const names = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(allowed);
  const reason = allowed.length < ROLES.length ? ' (AGENT_ALLOWED_ROLES)' : '';
  throw new HttpError(400, `Invalid role: expected ${names}${reason}`);
}

function idempotencyKeyOf(request: HttpRequest): string | undefined {
  const key = request.headers.get(IDEMPOTENCY_KEY_HEADER) ?? undefined;
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) {
    throw new HttpError(
      400,
      'Invalid Idempotency-Key: expected 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : @ = + -',
    );
  }
  return key;
}

function threadIdOf(query: URLSearchParams, fields: Fields): string | undefined {
  const threadId =
    agreedValue(THREAD_ID_NAMES, fromBody(fields, THREAD_ID_NAMES).map(threadIdText)) ??
    agreedValue(THREAD_ID_NAMES, fromQuery(query, THREAD_ID_NAMES).map(threadIdText));
  return threadId === undefined ? undefined : requireThreadId(threadId);
}

function threadIdText(value: unknown): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  // JavaScript has already rounded a larger whole number, so it would name another thread.
  if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return String(value);
  throw new HttpError(400, 'Invalid thread_id: expected a string, or a number of at most 15 digits');
}

function waitForResponseOf(request: HttpRequest, fields: Fields): boolean {
  const header = request.headers.get(WAIT_HEADER);
  if (header !== null) return coerceBoolean(header);
  return (
    agreedWait(WAIT_NAMES.map((name) => request.query.getAll(name))) ??
    agreedWait(WAIT_NAMES.map((name) => (Object.hasOwn(fields, name) ? [fields[name]] : []))) ??
    true
  );
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined && !(typeof value === 'string' && value.trim() === '');
}

/** @param given - the values of `wait_for_response`, then those of its alias, which count as absent if null or blank */
function agreedWait([named = [], aliased = []]: readonly (readonly unknown[])[]): boolean | undefined {
  return agreedValue(WAIT_NAMES, [...named, ...aliased.filter(isGiven)].map(coerceBoolean));
}

/**
 * Converts a value to a boolean. The strings `true`, `1`, `yes`, `y` and `on`, in any case, are true; all others are
 * false.
 */
export function coerceBoolean(value: unknown): boolean {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      return value !== 0;
    case 'string':
      return ['true', '1', 'yes', 'y', 'on'].includes(value.trim().toLowerCase());
    default:
      return false;
  }
}

function fromBody(fields: Fields, names: readonly string[]): unknown[] {
  return names.filter((name) => Object.hasOwn(fields, name)).map((name) => fields[name]);
}

function fromQuery(query: URLSearchParams, names: readonly string[]): string[] {
  return names.flatMap((name) => query.getAll(name));
}

/** Returns the value that a field has under all its names; `undefined` if it has none. */
function agreedValue<T>(names: readonly string[], values: readonly (T | undefined)[]): T | undefined {
  const [value, ...others] = new Set(values.filter((candidate) => candidate !== undefined));
  if (others.length > 0) {
    throw new HttpError(
      400,
      `Expected one value for ${names.join(', ')}, which name the same field; got different ones`,
    );
  }
  return value;
}

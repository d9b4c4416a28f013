import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { FunctionRoute } from './function-routes.js';
import type {
  FunctionMetadata,
  NullableMap,
  RpcHttpCookie,
  RpcHttpRequest,
  RpcHttpResponse,
  TypedData,
} from './functions-core.js';
import type { HostLog } from './host-log.js';
import { answer, readBody } from './http-server.js';
import type { Invoke } from './invocation.js';
import type { RouteParameters } from './route-template.js';
import { encodeUrlForFunction, reasonPhrase, type HostRequest } from './server-quirks.js';
import type { StreamingProxy } from './streaming-proxy.js';
import { createTriggerMetadata } from './trigger-metadata.js';

const maxBodyBytes = 100 * 1024 * 1024;
/** How long the real host waits for a streaming function that does not respond. */
const unansweredTimeoutMs = 240_000;
const answerGraceMs = 1000;

/** Dependencies of HTTP triggers. */
export interface HttpTriggerContext {
  readonly invoke: Invoke;
  /** Undefined if bodies are buffered. */
  readonly proxy: StreamingProxy | undefined;
  /** Returns the values of a function's inputs other than its trigger. */
  readonly readInputs: (metadata: FunctionMetadata) => Readonly<Record<string, TypedData>>;
  readonly log: HostLog;
}

/** A request for a function. */
export interface HttpTriggerCall {
  readonly route: FunctionRoute;
  readonly parameters: RouteParameters;
  readonly request: HostRequest;
  readonly response: ServerResponse;
}

/** Calls the function of a route and sends its response. */
export async function serveHttpTrigger(context: HttpTriggerContext, call: HttpTriggerCall): Promise<void> {
  const { route, parameters, request, response } = call;
  const length = request.contentLength ?? 0;
  if (length > maxBodyBytes) {
    response.shouldKeepAlive = false;
    answer(response, 500);
    return;
  }
  // The real host reads a body for binding data only if its length is declared.
  const body = length > 0 ? await readBody(request) : undefined;
  const invocationId = randomUUID();
  const input = {
    invocationId,
    inputs: {
      [route.triggerName]: { http: createRpcRequest(call, body) },
      ...context.readInputs(route.registered.metadata),
    },
    triggerMetadata: createTriggerMetadata(
      request,
      parameters,
      route.template.parameterNames,
      body ?? new Uint8Array(),
    ),
  };
  if (context.proxy === undefined) {
    // A chunked body is not read and arrives empty.
    request.message.resume();
    const result = await context.invoke(route.registered, input).catch(asLogged);
    if (result === failed) answer(response, 500);
    else sendBuffered(response, result.returnValue?.http);
    return;
  }
  context.proxy.forward(request, response, invocationId, body);
  const result = await context.invoke(route.registered, input).catch(asLogged);
  if (result === failed) {
    leaveUnanswered(context.log, call);
    return;
  }
  // A response may still be in transit through the proxy.
  const timer = setTimeout(() => {
    if (!response.headersSent) leaveUnanswered(context.log, call);
  }, answerGraceMs);
  timer.unref();
}

const failed = Symbol('failed');

/** The failure is already logged. Only the client's response is left to decide. */
function asLogged(): typeof failed {
  return failed;
}

/** Logs that the client gets no response, and disconnects it when the real host would. */
function leaveUnanswered(log: HostLog, { route, request, response }: HttpTriggerCall): void {
  if (response.writableEnded || response.destroyed) return;
  const { name } = route.registered.metadata;
  const what = response.headersSent ? 'leaves its response unfinished' : 'sends its client NO RESPONSE';
  log({
    level: 'error',
    category: 'Host',
    functionName: name,
    message:
      `${request.method} ${request.path} ${what}, as on a real host: with HTTP streaming, a function that throws, ` +
      `returns nothing, or returns a status below 200 or above 599 leaves the client waiting for ${unansweredTimeoutMs / 1000} s. ` +
      'Catch everything in the handler, and return a response.',
  });
  const timer = setTimeout(() => {
    if (response.headersSent) response.destroy();
    else answer(response, 500);
  }, unansweredTimeoutMs);
  timer.unref();
  response.once('close', () => clearTimeout(timer));
}

function createRpcRequest({ request, parameters }: HttpTriggerCall, body: Uint8Array | undefined): RpcHttpRequest {
  return {
    method: request.method,
    url: `http://${request.headers.get('host') ?? ''}${encodeUrlForFunction(request)}`,
    nullableHeaders: toNullableMap(request.headers),
    nullableParams: toNullableMap(Object.entries(parameters)),
    nullableQuery: toNullableMap(request.query.map(({ name, values }) => [name, values.join(',')] as const)),
    body: body === undefined ? null : { bytes: body },
  };
}

function toNullableMap(entries: Iterable<readonly [string, string]>): NullableMap {
  return Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));
}

function sendBuffered(response: ServerResponse, http: RpcHttpResponse | RpcHttpRequest | undefined): void {
  if (http === undefined || !('statusCode' in http)) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(http.headers ?? {})) response.setHeader(name, value);
  for (const cookie of http.cookies ?? []) response.appendHeader('Set-Cookie', serializeCookie(cookie));
  const status = Number(http.statusCode);
  response.writeHead(status, reasonPhrase(status, STATUS_CODES));
  response.end(http.body?.bytes ?? http.body?.string);
}

/** Formats a `Set-Cookie` header like ASP.NET Core, which defaults the path to `/`. */
function serializeCookie(cookie: RpcHttpCookie): string {
  const parts = [`${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`];
  if (cookie.expires) parts.push(`expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  if (cookie.maxAge) parts.push(`max-age=${cookie.maxAge.value}`);
  if (cookie.domain) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  const sameSite = { lax: 'lax', strict: 'strict', explicitNone: 'none' }[cookie.sameSite ?? ''];
  if (sameSite !== undefined) parts.push(`samesite=${sameSite}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}

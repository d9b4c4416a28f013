import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { FunctionRoute } from './function-routes.js';
import type { FunctionMetadata, NullableMap, RpcHttpRequest, RpcHttpResponse, TypedData } from './functions-core.js';
import type { HostLog } from './host-log.js';
import { answer, readBody } from './http-server.js';
import type { Invoke } from './invocation.js';
import type { RouteParameters } from './route-template.js';
import { serializeCookie } from './serialize-cookie.js';
import { encodeUrlForFunction, reasonPhrase, type HostRequest } from './server-quirks.js';
import type { StreamingProxy } from './streaming-proxy.js';
import { createTriggerMetadata } from './trigger-metadata.js';

const maxBodyBytes = 100 * 1024 * 1024;
/** How long the real host waits for a streaming function that gives no answer. */
const unansweredTimeoutMs = 240_000;
const answerGraceMs = 1000;

/** What serving HTTP triggers needs. */
export interface HttpTriggerContext {
  readonly invoke: Invoke;
  /** Undefined when bodies are buffered. */
  readonly proxy: StreamingProxy | undefined;
  /** Values of the inputs of a function beside its trigger. */
  readonly readInputs: (metadata: FunctionMetadata) => Readonly<Record<string, TypedData>>;
  readonly log: HostLog;
}

/** One request for one function. */
export interface HttpTriggerCall {
  readonly route: FunctionRoute;
  readonly parameters: RouteParameters;
  readonly request: HostRequest;
  readonly response: ServerResponse;
}

/** Calls the function of a route and answers what it answers. */
export async function serveHttpTrigger(context: HttpTriggerContext, call: HttpTriggerCall): Promise<void> {
  const { route, parameters, request, response } = call;
  const length = request.contentLength ?? 0;
  if (length > maxBodyBytes) {
    response.shouldKeepAlive = false;
    answer(response, 500);
    return;
  }
  // The real host reads a body for binding data only when its length is declared.
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
    // A chunked body is not read, and arrives empty.
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
  // An answer may still be on its way through the proxy.
  const timer = setTimeout(() => {
    if (!response.headersSent) leaveUnanswered(context.log, call);
  }, answerGraceMs);
  timer.unref();
}

const failed = Symbol('failed');

/** A call that failed has been logged as such: what is left is how its client learns of it. */
function asLogged(): typeof failed {
  return failed;
}

/** Says loudly that the client waits in vain, and ends its waiting when the real host would. */
function leaveUnanswered(log: HostLog, { route, request, response }: HttpTriggerCall): void {
  if (response.writableEnded || response.destroyed) return;
  const { name } = route.registered.metadata;
  const what = response.headersSent ? 'leaves its answer unfinished' : 'gives its client NO ANSWER';
  log({
    level: 'error',
    category: 'Host',
    functionName: name,
    message:
      `${request.method} ${request.path} ${what}, here as on a real host: with HTTP streaming a function that throws, ` +
      `returns nothing, or answers a status under 200 or over 599 leaves the client waiting for ${unansweredTimeoutMs / 1000} s. ` +
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

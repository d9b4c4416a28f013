import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { HostLog } from '../host-log.js';
import { answer, readBody } from '../http-server.js';
import { readQuery, type HostRequest } from '../server-quirks.js';
import { isValidKey, toInstanceId, type EntityId } from './entity-id.js';
import type { EntityState } from './entity-record.js';
import type { EntityRunner } from './entity-runner.js';
import type { EntityStore } from './entity-store.js';
import { readJsonText } from './read-json-text.js';

export interface EntityApiOptions {
  readonly hubName: string;
  readonly store: EntityStore;
  readonly runner: EntityRunner;
  readonly log: HostLog;
}

const defaultPageSize = 100;
const json = { 'Content-Type': 'application/json; charset=utf-8' };

/**
 * Serves the part of the durable HTTP API for entities:
 * https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api
 *
 * @param path - decoded, relative to the base path
 */
export async function serveEntityApi(
  options: EntityApiOptions,
  path: string,
  request: HostRequest,
  response: ServerResponse,
): Promise<void> {
  const [controller = '', name = '', key = '', ...others] = path.replace(/^\/+|\/+$/g, '').split('/');
  switch (controller.toLowerCase()) {
    case 'orchestrators':
    case 'instances':
      answer(response, 501, json, errorBody('The local Functions host supports entities but not orchestrations.'));
      return;
    case 'entities':
      if (others.length > 0 || (name === '' && key !== '')) break;
      if (request.method === 'GET' && key === '') return listEntities(options, name, request, response);
      if (request.method === 'GET') return readEntity(options, { name, key }, request, response);
      if (request.method === 'POST' || request.method === 'DELETE') {
        return signalEntity(options, { name, key }, request, response);
      }
      break;
  }
  answer(response, 404);
}

async function signalEntity(
  { hubName, runner, log }: EntityApiOptions,
  id: EntityId,
  request: HostRequest,
  response: ServerResponse,
): Promise<void> {
  const refuse = (message: string): void => answer(response, 400, json, errorBody(message));
  if (id.name === '') {
    refuse("Invalid entity id: entity name must not be a null or empty string. (Parameter 'entityName')");
    return;
  }
  const text = new TextDecoder().decode(await readBody(request));
  const hasInput = request.contentLength !== 0 && (text !== '' || request.contentLength !== undefined);
  const isJson = /^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '');
  const input = isJson ? readJsonText(text) : { text: JSON.stringify(text) };
  if (hasInput && input.text === undefined) {
    refuse(`Could not parse JSON content: ${input.reason}`);
    return;
  }
  if (!isValidKey(id.key)) {
    refuse("entityKey (Parameter 'Entity keys must not contain /, \\, #, ?, or control characters.')");
    return;
  }
  const isOwnHub = isHub(request, hubName);
  if (isOwnHub && !runner.hasFunction(id.name)) {
    // The real host sends this text regardless of its entity functions.
    const info = 'Additional info: No entity functions are currently registered!';
    refuse(`The function '${id.name.toLowerCase()}' doesn't exist, is disabled, or is not an entity function. ${info}`);
    return;
  }
  if (isOwnHub) {
    const name = request.method === 'DELETE' ? 'delete' : (readQuery(request.query, 'op') ?? '');
    try {
      runner.signal(id, { name, input: hasInput ? (input.text ?? null) : null });
    } catch (error) {
      const message = `An operation of ${toInstanceId(id)} was rejected because it could not be stored. ${String(error)}`;
      log({ level: 'error', category: 'Host.Durable', message });
      answer(response, 500, json, errorBody('The operation could not be stored.'));
      return;
    }
  } else {
    const message = 'A signal to another task hub was accepted, but nothing will process it.';
    log({ level: 'warning', category: 'Host.Durable', message });
  }
  // After this, the operation must not be lost. The runner has already stored it.
  answer(response, 202);
}

function readEntity(
  { hubName, store }: EntityApiOptions,
  id: EntityId,
  request: HostRequest,
  response: ServerResponse,
): void {
  const state = isHub(request, hubName) ? store.read(id) : undefined;
  if (state === undefined) answer(response, 404);
  else answer(response, 200, json, state.text ?? 'null');
}

function listEntities(
  { hubName, store }: EntityApiOptions,
  name: string,
  request: HostRequest,
  response: ServerResponse,
): void {
  const isWithState = readQuery(request.query, 'fetchState')?.trim().toLowerCase() === 'true';
  const top = Number(readQuery(request.query, 'top') ?? defaultPageSize);
  const pageSize = Number.isInteger(top) && top > 0 ? top : defaultPageSize;
  const from = readTime(request, 'lastOperationTimeFrom') ?? -Infinity;
  const to = readTime(request, 'lastOperationTimeTo') ?? Infinity;
  const all = isHub(request, hubName) ? store.list(name === '' ? '@' : `@${name.toLowerCase()}@`) : [];
  const first = decodeToken(request.headers.get('x-ms-continuation-token'));
  const remaining = all.filter(({ id, lastOperationTime }) => {
    const isOnPage = first === undefined || toInstanceId(id) >= first;
    return isOnPage && lastOperationTime.getTime() >= from && lastOperationTime.getTime() <= to;
  });
  const next = remaining[pageSize];
  const page = remaining.slice(0, pageSize).map((state) => describeEntity(state, isWithState));
  const token = next === undefined ? {} : { 'x-ms-continuation-token': encodeToken(toInstanceId(next.id)) };
  answer(response, 200, { ...json, ...token }, `[${page.join(',')}]`);
}

/** Returns an element of a list as JSON text. The state is already text. */
function describeEntity({ id, lastOperationTime, text }: EntityState, isWithState: boolean): string {
  const time = lastOperationTime.toISOString().replace(/\.?0*Z$/, 'Z');
  const head = JSON.stringify({ entityId: id, lastOperationTime: time }).slice(0, -1);
  return `${head},"state":${isWithState ? (text ?? 'null') : 'null'}}`;
}

function readTime(request: HostRequest, name: string): number | undefined {
  const time = Date.parse(readQuery(request.query, name) ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Returns whether the request is for this app's task hub. */
function isHub(request: HostRequest, hubName: string): boolean {
  const asked = readQuery(request.query, 'taskHub');
  return asked === undefined || asked.toLowerCase() === hubName.toLowerCase();
}

// The continuation token of Azure Storage, which the real host passes through. It names the first instance of the page.
function encodeToken(instanceId: string): string {
  const NextPartitionKey = Buffer.from(instanceId).toString('base64');
  const token = { NextPartitionKey, NextRowKey: '', NextTableName: null, TargetLocation: 0 };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

function decodeToken(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined;
  const { NextPartitionKey } = z
    .object({ NextPartitionKey: z.string() })
    .parse(JSON.parse(Buffer.from(token, 'base64').toString()));
  return Buffer.from(NextPartitionKey, 'base64').toString();
}

function errorBody(message: string): string {
  return JSON.stringify({ Message: message });
}

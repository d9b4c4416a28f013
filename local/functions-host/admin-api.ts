import type { ServerResponse } from 'node:http';
import { endWithin } from './end-within.js';
import { answer, readBody } from './http-server.js';
import type { ServedFunctions } from './served-functions.js';
import type { HostRequest } from './server-quirks.js';
import { runTimerFunction, type TimerTriggerContext } from './timer-trigger.js';

export interface AdminApiOptions extends TimerTriggerContext {
  readonly functions: ServedFunctions;
}

/** The part of the host's admin API that runs functions manually. */
export interface AdminApi {
  serve(request: HostRequest, response: ServerResponse): Promise<void>;
  /** Waits up to `timeoutMs` for the functions that it started. */
  stop(timeoutMs: number): Promise<void>;
}

const json = { 'Content-Type': 'application/json; charset=utf-8' };

/**
 * `POST /admin/functions/{name}` with a JSON object runs a function without an HTTP trigger in the background: 202.
 * https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
 *
 * Supports timer functions only, which ignore the `input` of that object.
 */
export function createAdminApi(options: AdminApiOptions): AdminApi {
  const { list, timers } = options.functions;
  const running = new Set<Promise<void>>();
  return {
    async serve(request, response) {
      const [, asked] = /^\/admin\/functions\/([^/]+)\/?$/i.exec(request.path) ?? [];
      if (asked === undefined || request.method !== 'POST') {
        answer(response, 404);
        return;
      }
      if (!/^application\/(?:[^;]*\+)?json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
        answer(response, 415);
        return;
      }
      if (!isJsonObject(new TextDecoder().decode(await readBody(request)))) {
        refuse(response, 400, 'The body must be a JSON object: {"input":""}');
        return;
      }
      const name = asked.toLowerCase();
      const timerFunction = timers.get(name);
      const served = list.find((candidate) => candidate.name.toLowerCase() === name);
      if (served === undefined) {
        answer(response, 404);
        return;
      }
      if (timerFunction === undefined) {
        refuse(
          response,
          501,
          `The local Functions host runs only timer functions this way. ${served.name}: ${served.detail}`,
        );
        return;
      }
      const run = runTimerFunction(options, timerFunction)
        .catch(asLogged)
        .finally(() => running.delete(run));
      running.add(run);
      answer(response, 202);
    },
    stop: async (timeoutMs) => void (await endWithin(running, timeoutMs)),
  };
}

/** A failure is already in the log, and the caller does not wait for the outcome. */
function asLogged(): void {}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  answer(response, status, json, JSON.stringify({ Message: message }));
}

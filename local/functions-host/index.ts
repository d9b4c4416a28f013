import type { ServerResponse } from 'node:http';
import { createAdminApi } from './admin-api.js';
import { applyCors, type CorsOptions } from './cors.js';
import { startDurable } from './durable/durable.js';
import { openEntityJournal, type EntityJournal } from './durable/entity-journal.js';
import { JournalFolderError } from './durable/journal-errors.js';
import { findTaskHubFolder } from './durable/task-hub-folder.js';
import { createFunctionKeys, isAuthorized, type AuthLevel, type FunctionKeys } from './function-keys.js';
import { findRoute } from './function-routes.js';
import { AppRegistry, provideFunctionsCore } from './functions-core.js';
import { withMinimumLevel, type HostLog } from './host-log.js';
import { readHostSettings } from './host-settings.js';
import { answer, startServer, type RequestHandler } from './http-server.js';
import { serveHttpTrigger } from './http-trigger.js';
import { createInvoke } from './invocation.js';
import { createLandingPage } from './landing-page.js';
import { loadApp } from './load-app.js';
import { sortFunctions, type ServedFunction } from './served-functions.js';
import { startStreamingProxy } from './streaming-proxy.js';
import { isSystemError } from './system-error.js';

export type { CorsOptions } from './cors.js';
export { JournalFolderError, JournalUnreadableError } from './durable/journal-errors.js';
export { FolderInUseError } from './folder-lock.js';
export type { FunctionKeys } from './function-keys.js';
export type { HostLog, HostLogEntry, HostLogLevel } from './host-log.js';
export type { ServedFunction } from './served-functions.js';

export interface LocalFunctionsHostOptions {
  /** Folder of the built function app: holds package.json (its `main` is loaded) and host.json. */
  readonly appFolder: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * Turns function keys on. Off, every key passes, as with `func start`. With a journal the keys stay the same from one
   * start to the next.
   */
  readonly keys?: boolean;
  /** Absence means no CORS headers. */
  readonly cors?: CorsOptions;
  /**
   * Where entities and their accepted operations are kept beyond the life of the host, however it ends; in a folder of
   * its own for each task hub and app, made when missing. Absent: in memory.
   */
  readonly journalFolder?: string;
  /** Receives the host's and the functions' log lines. */
  readonly log: HostLog;
}

/** What an earlier host has left in the journal. */
export interface FoundEntities {
  /** Entities that exist. */
  readonly entityCount: number;
  /** Accepted operations that had not ended, and are delivered again. */
  readonly operationCount: number;
}

export interface LocalFunctionsHost {
  /** `http://localhost:PORT` */
  readonly url: string;
  readonly port: number;
  /** In the order of registration. */
  readonly functions: readonly ServedFunction[];
  /** Undefined when keys are off. */
  readonly keys: FunctionKeys | undefined;
  /** Undefined without a journal. */
  readonly found: FoundEntities | undefined;
  /**
   * Stops taking requests, lets running entity operations and timer functions end (10 s at most), runs `appTerminate`
   * hooks, closes everything.
   */
  close(): Promise<void>;
}

const durablePath = '/runtime/webhooks/durabletask';
const stopTimeoutMs = 10_000;

/**
 * Serves a built function app as the Azure Functions host does, for development. The environment must hold the app's
 * settings already. A process serves one app, once: Node.js loads its modules only once.
 *
 * @throws the server's own error (EADDRINUSE) for a taken port, FolderInUseError, JournalFolderError and
 * JournalUnreadableError for the journal, the app's own error when loading it fails, and an Error that names host.json when it cannot be used.
 */
export async function startLocalFunctionsHost(options: LocalFunctionsHostOptions): Promise<LocalFunctionsHost> {
  const settings = await readHostSettings(options.appFolder, process.env);
  const log = withMinimumLevel(options.log, settings.minimumLogLevel);
  const logError = (error: unknown): void => {
    log({
      level: 'error',
      category: 'Host',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  };
  let handle = answerNotReady;
  const server = await startServer({
    port: options.port,
    handle: async (request, response) => handle(request, response),
    onError: logError,
    cors: options.cors,
  });
  const endings: (() => unknown)[] = [
    async () => server.close(),
    setEnvironment('WEBSITE_HOSTNAME', `localhost:${server.port}`),
  ];
  const endAll = async (): Promise<void> => {
    for (const end of endings.splice(0).toReversed()) await end();
  };
  try {
    const hubFolder = findHubFolder(options, settings.hubName);
    const journal = hubFolder === undefined ? undefined : openJournal(hubFolder);
    if (journal !== undefined) endings.push(() => journal.close());
    const allKeys = createFunctionKeys(options.keys === true ? hubFolder : undefined);
    const keys = options.keys === true ? allKeys : undefined;
    const registry = new AppRegistry();
    endings.push(provideFunctionsCore(registry, log));
    await loadApp(options.appFolder);
    registry.isComplete = true;
    if (registry.functions.size === 0) {
      log({ level: 'warning', category: 'Host', message: 'The app has registered no functions.' });
    }
    const served = sortFunctions(registry.functions.values(), settings.routePrefix);
    const proxy = registry.programmingModel && (await startStreamingProxy(registry.programmingModel));
    if (proxy !== undefined) endings.push(() => proxy.close());
    const invoke = createInvoke(registry, log);
    const durable = await startDurable({
      ...settings,
      baseUrl: `http://localhost:${server.port}${durablePath}`,
      systemKey: allKeys.system,
      entities: served.entities,
      journal,
      invoke,
      log,
      onError: logError,
    });
    endings.push(async () => durable.close());
    await registry.runHooks('appStart', { hookData: {}, appHookData: registry.appHookData });

    const triggers = { invoke, proxy, readInputs: durable.readInputs, log };
    const admin = createAdminApi({ functions: served, invoke, readInputs: durable.readInputs });
    handle = async (request, response) => {
      if (applyCors(request, response, options.cors)) return;
      const isAllowed = (level: AuthLevel): boolean => keys === undefined || isAuthorized(request, level, keys);
      const path = request.path.toLowerCase();
      if (path.startsWith('/admin/')) {
        if (isAllowed('admin')) await admin.serve(request, response);
        else refuse(response);
      } else if (path.startsWith('/runtime/webhooks/')) {
        if (!isAllowed('system')) refuse(response);
        else if (!path.startsWith(`${durablePath}/`)) answer(response, 404);
        else await durable.serve(request.path.slice(durablePath.length), request, response);
      } else {
        const match = findRoute(served.routes, request.method, request.path);
        if (match !== undefined && !isAllowed(match.route.authLevel)) answer(response, 401);
        else if (match !== undefined) await serveHttpTrigger(triggers, { ...match, request, response });
        else if (path === '/') answer(response, 200, { 'Content-Type': 'text/html' }, createLandingPage(served.list));
        else answer(response, 404);
      }
    };
    const close = async (): Promise<void> => {
      server.stop();
      await Promise.all([durable.stop(stopTimeoutMs), admin.stop(stopTimeoutMs)]);
      await registry.runHooks('appTerminate', { hookData: {}, appHookData: registry.appHookData });
      await endAll();
    };
    let closing: Promise<void> | undefined;
    durable.resume();
    return {
      url: `http://localhost:${server.port}`,
      port: server.port,
      functions: served.list,
      keys,
      found: journal && countFound(journal),
      async close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await endAll();
    throw error;
  }
}

function findHubFolder({ journalFolder, appFolder }: LocalFunctionsHostOptions, hubName: string): string | undefined {
  if (journalFolder === undefined) return undefined;
  return withFolderErrors(journalFolder, () => findTaskHubFolder(journalFolder, appFolder, hubName));
}

function openJournal(folder: string): EntityJournal {
  return withFolderErrors(folder, () => openEntityJournal(folder));
}

/** Names the folder when the system refuses something there. */
function withFolderErrors<Result>(folder: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw isSystemError(error) ? new JournalFolderError(folder, error) : error;
  }
}

function countFound({ found }: EntityJournal): FoundEntities {
  return {
    entityCount: found.filter(({ state }) => state !== undefined).length,
    operationCount: found.reduce((count, { operations, signals }) => count + operations.length + signals.length, 0),
  };
}

/** Requests that come before the app is loaded are told so, as by the real host. */
const answerNotReady: RequestHandler = async (_request, response) => answer(response, 503);

/** The host's own routes tell which kind of credential they want. */
function refuse(response: ServerResponse): void {
  answer(response, 401, { 'WWW-Authenticate': 'Bearer' });
}

/** Sets an environment variable; the returned function restores it. */
function setEnvironment(name: string, value: string): () => void {
  const earlier = process.env[name];
  process.env[name] = value;
  return () => {
    if (earlier === undefined) delete process.env[name];
    else process.env[name] = earlier;
  };
}

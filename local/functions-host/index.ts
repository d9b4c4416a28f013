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
import { isSystemError } from './durable/journal-errors.js';

export type { CorsOptions } from './cors.js';
export { JournalFolderError, JournalUnreadableError } from './durable/journal-errors.js';
export { FolderInUseError } from './folder-lock.js';
export type { FunctionKeys } from './function-keys.js';
export type { HostLog, HostLogEntry, HostLogLevel } from './host-log.js';
export type { ServedFunction } from './served-functions.js';

export interface LocalFunctionsHostOptions {
  /** Folder of the built function app, with host.json and package.json, whose `main` is loaded. */
  readonly appFolder: string;
  /** 0 selects a free port. */
  readonly port: number;
  /**
   * Whether functions require keys. If off, every key is accepted, as with `func start`. With a journal, the keys stay the
   * same between starts.
   */
  readonly keys?: boolean;
  /** If undefined, responses have no CORS headers. */
  readonly cors?: CorsOptions;
  /**
   * Folder in which entities and their accepted operations survive the host, however it exits. Each task hub and app has its
   * own subfolder, created if missing. @default in memory
   */
  readonly journalFolder?: string;
  /** Receives the log lines of the host and the functions. */
  readonly log: HostLog;
}

/** The content of the journal at startup. */
export interface FoundEntities {
  /** Number of entities. */
  readonly entityCount: number;
  /** Number of unfinished operations, which are redelivered. */
  readonly operationCount: number;
}

export interface LocalFunctionsHost {
  /** `http://localhost:PORT` */
  readonly url: string;
  readonly port: number;
  /** In the order of registration. */
  readonly functions: readonly ServedFunction[];
  /** Undefined if keys are off. */
  readonly keys: FunctionKeys | undefined;
  /** Undefined without a journal. */
  readonly found: FoundEntities | undefined;
  /**
   * Stops accepting requests, waits up to 10 s for running entity operations and timer functions, runs `appTerminate` hooks,
   * then closes everything.
   */
  close(): Promise<void>;
}

const durablePath = '/runtime/webhooks/durabletask';
const stopTimeoutMs = 10_000;

/**
 * Serves a built function app like the Azure Functions host, for development. The environment must already contain the
 * app's settings. A process can serve only one app, once, because Node.js loads modules once.
 *
 * @throws the server's error (EADDRINUSE) for a used port; FolderInUseError, JournalFolderError or JournalUnreadableError
 *   for the journal; the app's own error if loading fails; an Error naming host.json if it is invalid
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
      log({ level: 'warning', category: 'Host', message: 'The app registered no functions.' });
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

/** Adds the folder to system errors. */
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

/** Answers 503 until the app is loaded, like the real host. */
const answerNotReady: RequestHandler = async (_request, response) => answer(response, 503);

/** The host's own routes name the expected kind of credential. */
function refuse(response: ServerResponse): void {
  answer(response, 401, { 'WWW-Authenticate': 'Bearer' });
}

/** Sets an environment variable. The returned function restores it. */
function setEnvironment(name: string, value: string): () => void {
  const earlier = process.env[name];
  process.env[name] = value;
  return () => {
    if (earlier === undefined) delete process.env[name];
    else process.env[name] = earlier;
  };
}

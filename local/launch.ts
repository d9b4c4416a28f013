import { existsSync } from 'node:fs';
import path from 'node:path';
import { missingEndpointProblem } from '../src/settings/missing-endpoint-problem.js';
import { collectSettings, readSetting, withoutEmpty, type SettingSources } from './app-environment.js';
import { isAzuriteRunning, isDevelopmentStorage, startAzurite } from './azurite.js';
import { startCoreToolsHost } from './core-tools-host.js';
import { describeCoreTools, findCoreTools, requireCoreTools } from './core-tools.js';
import { startLocalFunctionsHost } from './functions-host/index.js';
import { describeKeptState, explainJournalError, type StateFolder } from './kept-state.js';
import { LaunchError } from './launch-error.js';
import { localHostReason, type LaunchOptions } from './launch-options.js';
import { readLocalSettings, type LocalSettings } from './local-settings.js';
import { findFreePort, isPortTaken, portTakenError } from './loopback-port.js';
import { startOfflineModel } from './offline-model.js';
import type { Printer } from './printer.js';
import type { RunningProgram } from './running-program.js';
import type { ServedApp } from './served-app.js';
import type { Shutdown } from './shutdown.js';

const defaultPort = 7071;

/** What a launch works with. */
export interface LaunchSurroundings {
  /** Folder of this package, which is the served app unless `--app` selects another. */
  readonly packageFolder: string;
  /** The process environment. The local Functions host runs the app in this process and adds its settings to it. */
  readonly environment: NodeJS.ProcessEnv;
  /**
   * Settings that the app gets instead of those of the environment and local.settings.json. They do not affect the
   * launch itself. @default none
   */
  readonly settings?: Readonly<Record<string, string>>;
  readonly printer: Printer;
  /** Receives everything that is started, so that it can be stopped. */
  readonly shutdown: Shutdown;
}

/**
 * Starts the app and its dependencies. Returns when the app accepts requests.
 *
 * @throws LaunchError for problems that the user can fix, or the app's own error if loading fails
 */
export async function launch(options: LaunchOptions, surroundings: LaunchSurroundings): Promise<ServedApp> {
  const { environment, packageFolder, printer, shutdown } = surroundings;
  const appFolder = options.app === undefined ? packageFolder : path.resolve(options.app);
  requireApp(appFolder);
  const localSettings = await readLocalSettings(appFolder);
  const sources: SettingSources = { environment, fileValues: localSettings.values };
  const port = options.port ?? localSettings.port ?? defaultPort;
  const coreToolsCommand = await chooseCoreTools(options, surroundings);
  printer.progress('app', appFolder);
  printer.progress('settings', `the environment${localSettings.found ? ', then local.settings.json' : ''}`);

  const settings = collectSettings(sources, {
    ...surroundings.settings,
    ...(await offlineModelSettings(options, sources, surroundings)),
  });
  if (coreToolsCommand === undefined) {
    // This host needs no storage itself, but the app may store its events there.
    if (readSetting(sources, 'CALLBACK_STORE') === 'table') await startStorage(sources, surroundings);
    const stateFolder = findStateFolder(options, packageFolder);
    return startInThisProcess(
      { appFolder, port, keys: options.keys, localSettings, settings, stateFolder },
      surroundings,
    );
  }

  const freePort = await findFreePort(port);
  await startStorage(sources, surroundings);
  printer.progress('host', `func start --port ${freePort}`);
  // Core Tools read local.settings.json themselves and warn about each value that the environment repeats.
  const added = Object.entries(settings).filter(([name, value]) => localSettings.values[name] !== value);
  return startCoreToolsHost({
    command: coreToolsCommand,
    appFolder,
    port: freePort,
    environment: { ...environment, ...Object.fromEntries(added) },
    onLine: (line) => printer.line(line),
    onStarted: endWith(shutdown),
  });
}

/** Starts Azurite, unless it is already running or the settings specify a storage account. */
async function startStorage(
  sources: SettingSources,
  { packageFolder, printer, shutdown }: LaunchSurroundings,
): Promise<void> {
  if (!isDevelopmentStorage(readSetting(sources, 'AzureWebJobsStorage') ?? '')) return;
  if (await isAzuriteRunning()) {
    printer.progress('storage', 'Azurite, already running');
    return;
  }
  printer.progress('storage', 'starting Azurite with its data in .azurite/');
  await startAzurite({ folder: path.join(packageFolder, '.azurite'), onStarted: endWith(shutdown) });
}

function requireApp(folder: string): void {
  const missing = ['host.json', 'package.json'].filter((name) => !existsSync(path.join(folder, name)));
  if (missing.length > 0)
    throw new LaunchError(`${folder} contains no function app: ${missing.join(' and ')} missing.`);
}

/** Returns the Core Tools command to use, or undefined if the local Functions host serves the app. */
async function chooseCoreTools(
  options: LaunchOptions,
  { environment, printer }: LaunchSurroundings,
): Promise<string | undefined> {
  const reason = localHostReason(options);
  if (reason !== undefined) {
    printer.progress('host', `the local Functions host of this package (${reason})`);
    return undefined;
  }
  const coreTools = await findCoreTools(environment);
  if (options.host === 'func') requireCoreTools(coreTools);
  if (coreTools.kind === 'usable') {
    printer.progress('host', describeCoreTools(coreTools));
    return coreTools.command;
  }
  printer.progress('host', `the local Functions host of this package: ${describeCoreTools(coreTools)}`);
  return undefined;
}

/** Starts the offline model if it is selected, and returns the settings that make the app use it. */
async function offlineModelSettings(
  options: LaunchOptions,
  sources: SettingSources,
  { printer, shutdown }: LaunchSurroundings,
): Promise<Readonly<Record<string, string>>> {
  const endpoint = readSetting(sources, 'AZURE_OPENAI_ENDPOINT');
  if (options.model === 'azure' || (options.model === undefined && endpoint !== undefined)) {
    printer.progress('model', endpoint === undefined ? 'AZURE_OPENAI_ENDPOINT is not set' : describeEndpoint(endpoint));
    return {};
  }
  const problem = missingEndpointProblem({ ...sources.fileValues, ...withoutEmpty(sources.environment) });
  if (options.model === undefined && problem !== undefined) {
    throw new LaunchError(`${problem}\nTo use the offline model with canned answers: npm start -- --model offline`);
  }
  const model = await startOfflineModel();
  await shutdown.add(() => model.close());
  printer.progress('model', `offline, at ${model.endpoint}`);
  printer.banner([
    'Answers are canned: they come from an offline model on this machine.',
    'For real answers, set AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_CHAT_DEPLOYMENT_NAME and',
    'AZURE_OPENAI_API_KEY (or sign in with "az login"), in the environment or in local.settings.json,',
    options.model === 'offline' ? 'and omit --model offline.' : 'and restart.',
  ]);
  return model.settings;
}

/** Returns the address of an endpoint without the parts that may hold a secret. */
function describeEndpoint(endpoint: string): string {
  if (!/^\s*https?:/i.test(endpoint) || !URL.canParse(endpoint)) return 'the server of AZURE_OPENAI_ENDPOINT';
  const { origin, pathname } = new URL(endpoint);
  return origin + pathname.replace(/\/$/, '');
}

interface LocalStart {
  readonly appFolder: string;
  readonly port: number;
  readonly keys: boolean;
  readonly localSettings: LocalSettings;
  readonly settings: Readonly<Record<string, string>>;
  /** If undefined, nothing is stored. */
  readonly stateFolder: StateFolder | undefined;
}

function findStateFolder({ ephemeral, data }: LaunchOptions, packageFolder: string): StateFolder | undefined {
  if (ephemeral) return undefined;
  return { path: data === undefined ? path.join(packageFolder, '.local-host') : path.resolve(data), packageFolder };
}

async function startInThisProcess(start: LocalStart, surroundings: LaunchSurroundings): Promise<ServedApp> {
  Object.assign(surroundings.environment, start.settings);
  const { stateFolder } = start;
  const { cors } = start.localSettings;
  const { printer } = surroundings;
  try {
    const host = await startLocalFunctionsHost({
      appFolder: start.appFolder,
      port: start.port,
      keys: start.keys,
      ...(cors === undefined ? {} : { cors }),
      ...(stateFolder === undefined ? {} : { journalFolder: stateFolder.path }),
      log: printer.functionLog,
    });
    printer.progress(
      'state',
      stateFolder === undefined ? 'in memory only (--ephemeral)' : describeKeptState(stateFolder, host),
    );
    await surroundings.shutdown.add(() => host.close());
    return { port: host.port, functions: host.functions, keys: host.keys, ended: new Promise(() => {}) };
  } catch (error) {
    if (isPortTaken(error)) throw portTakenError(start.port, error);
    throw stateFolder === undefined ? error : explainJournalError(stateFolder, error);
  }
}

function endWith(shutdown: Shutdown): (program: RunningProgram) => void {
  return (program) => void shutdown.add(() => program.end());
}

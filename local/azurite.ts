import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { LaunchError } from './launch-error.js';
import { probeHttp } from './probe-http.js';
import { startProgram, type RunningProgram } from './running-program.js';

/** Ports of Azurite's three services. */
export interface AzuritePorts {
  readonly blob: number;
  readonly queue: number;
  readonly table: number;
}

/** The ports of `UseDevelopmentStorage=true`. */
const developmentStoragePorts: AzuritePorts = { blob: 10000, queue: 10001, table: 10002 };
const lookEveryMs = 50;
const readyWithinMs = 60_000;

/** Returns whether a value of `AzureWebJobsStorage` refers to the storage emulator on this machine. */
export function isDevelopmentStorage(connectionString: string): boolean {
  return /^\s*UseDevelopmentStorage=true;?\s*$/i.test(connectionString);
}

/**
 * Returns whether Azurite is already running, on all of its ports.
 *
 * @throws LaunchError if only some of its services run, or another program uses one of the ports
 */
export async function isAzuriteRunning(ports: AzuritePorts = developmentStoragePorts): Promise<boolean> {
  const services = await probeServices(ports);
  if (services.every(({ state }) => state === 'free')) return false;
  const others = services.filter(({ state }) => state !== 'Azurite');
  if (others.length === 0) return true;
  throw new LaunchError(
    `Azurite needs ports that are not available: ${others.map(({ name, port, state }) => `${port} (${name}) is ${state}`).join(', ')}.\n` +
      'Stop the programs that use them, start Azurite yourself, or use --host local, which needs no storage.',
  );
}

/** Options of {@link startAzurite}. */
export interface AzuriteOptions {
  /** Folder for its data. Created if missing. */
  readonly folder: string;
  readonly ports?: AzuritePorts;
  /** Called as soon as the process exists. */
  readonly onStarted: (azurite: RunningProgram) => void;
}

/**
 * Starts Azurite on loopback. Returns when all of its services respond.
 *
 * @throws LaunchError with Azurite's output if it does not start
 */
export async function startAzurite(options: AzuriteOptions): Promise<void> {
  const { folder, ports = developmentStoragePorts, onStarted } = options;
  await mkdir(folder, { recursive: true });
  const lines: string[] = [];
  const addresses = (['blob', 'queue', 'table'] as const).flatMap((name) => {
    return [`--${name}Host`, '127.0.0.1', `--${name}Port`, String(ports[name])];
  });
  const quiet = ['--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const azurite = startProgram({
    command: process.execPath,
    commandArguments: [findAzurite(), '--location', folder, ...quiet, ...addresses],
    folder,
    environment: process.env,
    onLine: (line) => lines.push(line),
  });
  onStarted(azurite);

  const deadline = Date.now() + readyWithinMs;
  while (azurite.howEnded() === undefined && Date.now() < deadline) {
    const services = await probeServices(ports);
    if (services.every(({ state }) => state === 'Azurite')) return;
    await wait(lookEveryMs);
  }
  throw new LaunchError(
    `Azurite ${azurite.howEnded() ?? `did not respond within ${readyWithinMs / 1000} s`}.\n${lines.join('\n')}\n` +
      'To continue without it, use --host local, which needs no storage.',
  );
}

interface ProbedService {
  readonly name: string;
  readonly port: number;
  readonly state: 'free' | 'Azurite' | 'used by something else';
}

async function probeServices(ports: AzuritePorts): Promise<ProbedService[]> {
  return Promise.all(
    Object.entries(ports).map(async ([name, port]: [string, number]) => {
      const answer = await probeHttp(`http://127.0.0.1:${port}/`);
      const state =
        answer === undefined ? 'free' : answer.server.startsWith('Azurite') ? 'Azurite' : 'used by something else';
      return { name, port, state };
    }),
  );
}

function findAzurite(): string {
  try {
    return createRequire(__filename).resolve('azurite/dist/src/azurite.js');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    throw new LaunchError('Azurite is not installed. npm ci installs it with the development dependencies.', {
      cause: error,
    });
  }
}

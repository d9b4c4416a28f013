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

/** Those that `UseDevelopmentStorage=true` stands for. */
const developmentStoragePorts: AzuritePorts = { blob: 10000, queue: 10001, table: 10002 };
const lookEveryMs = 50;
const readyWithinMs = 60_000;

/** Whether a value of `AzureWebJobsStorage` means the storage emulator of this machine. */
export function isDevelopmentStorage(connectionString: string): boolean {
  return /^\s*UseDevelopmentStorage=true;?\s*$/i.test(connectionString);
}

/**
 * Whether Azurite answers already, on all of its ports.
 *
 * @throws LaunchError when only a part of it does, or something else sits on one of the ports.
 */
export async function isAzuriteRunning(ports: AzuritePorts = developmentStoragePorts): Promise<boolean> {
  const services = await probeServices(ports);
  if (services.every(({ state }) => state === 'free')) return false;
  const others = services.filter(({ state }) => state !== 'Azurite');
  if (others.length === 0) return true;
  throw new LaunchError(
    `Not all of Azurite's ports are Azurite's: ${others.map(({ name, port, state }) => `${port} (${name}) is ${state}`).join(', ')}.\n` +
      'End what uses them, start all of Azurite yourself, or take --host local, which needs no storage.',
  );
}

/** What {@link startAzurite} needs to know. */
export interface AzuriteOptions {
  /** Where it keeps its data; made when missing. */
  readonly folder: string;
  readonly ports?: AzuritePorts;
  /** Called as soon as there is something to end. */
  readonly onStarted: (azurite: RunningProgram) => void;
}

/**
 * Starts Azurite on loopback; returns when all of it answers.
 *
 * @throws LaunchError with what it printed when it does not come up.
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
    `Azurite ${azurite.howEnded() ?? `did not answer within ${readyWithinMs / 1000} s`}.\n${lines.join('\n')}\n` +
      'The way on without it: --host local, which needs no storage.',
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
    throw new LaunchError('Azurite is not installed here: npm ci installs it with the development dependencies.', {
      cause: error,
    });
  }
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** npm runs the programs of a package in its folder. */
const BUNDLED = path.resolve('dist/bundled');

/** The built app in the local Functions host, in a separate process. */
export interface LocalApp {
  readonly baseUrl: string;
  /** Its process id. */
  readonly pid: number;
  /** Its output so far. */
  output(): string;
  stop(): Promise<void>;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
}

export interface LocalAppOptions {
  /** The host's folder for conversations and accepted operations. Undefined stores nothing. */
  readonly dataFolder?: string;
  /** Defaults to a free port. */
  readonly port?: number;
  /** Folder of the function app to serve. @default the app of this package */
  readonly appFolder?: string;
}

/** The app failed to start. The message is its output. */
export class LocalAppFailure extends Error {
  readonly exitCode: number | null;

  constructor(exitCode: number | null, output: string) {
    super(output);
    this.name = 'LocalAppFailure';
    this.exitCode = exitCode;
  }
}

/** Starts are retried because another connection may briefly use a port that was free before. */
const STARTS_AT_MOST = 20;
const START_AGAIN_AFTER_MS = 500;
const READY_WITHIN_MS = 90_000;

/**
 * Starts the built app, and resolves when it is ready.
 *
 * @param environment settings, in addition to what any program needs of the real environment
 * @throws LocalAppFailure if it exits instead, or is not ready in time
 */
export async function startLocalApp(
  environment: Readonly<Record<string, string>>,
  options: LocalAppOptions = {},
): Promise<LocalApp> {
  for (let start = 1; ; start += 1) {
    try {
      return await startOnce(environment, options);
    } catch (error) {
      const isPortTaken = error instanceof LocalAppFailure && /^Port \d+ is in use/m.test(error.message);
      if (!isPortTaken || start === STARTS_AT_MOST) throw error;
      await wait(START_AGAIN_AFTER_MS);
    }
  }
}

async function startOnce(
  environment: Readonly<Record<string, string>>,
  { dataFolder, port = 0, appFolder = BUNDLED }: LocalAppOptions,
): Promise<LocalApp> {
  const { PATH = '', SystemRoot = '' } = process.env;
  const kept = dataFolder === undefined ? ['--ephemeral'] : ['--data', dataFolder];
  const options = ['--host', 'local', '--model', 'azure', '--port', String(port), '--app', appFolder, ...kept];
  const child = spawn(process.execPath, [path.join(BUNDLED, 'start.js'), ...options], {
    env: { PATH, SystemRoot, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const closed = once(child, 'close');
  const baseUrl = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, address] = /^listening (\S+)$/m.exec(output) ?? [];
        if (address === undefined) return;
        clearTimeout(timer);
        resolve(address);
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
    child.once('error', reject);
    child.once('close', () => clearTimeout(timer));
    child.once('close', (exitCode) => reject(new LocalAppFailure(exitCode, output)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await closed;
  };
  return {
    baseUrl,
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

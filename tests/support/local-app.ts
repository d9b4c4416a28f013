import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** npm starts programs of a package in its folder. */
const START = path.resolve('dist/local/start.js');

/** The built app under the local Functions host, in a process of its own. */
export interface LocalApp {
  readonly baseUrl: string;
  /** The id of its process. */
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  stop(): Promise<void>;
  /** Ends it as a crash does, without a chance to do anything about it. */
  kill(): Promise<void>;
}

export interface LocalAppOptions {
  /** Where the host keeps conversations and what it has accepted. Default: nowhere. */
  readonly dataFolder?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** The app could not be started: the message is what it printed. */
export class LocalAppFailure extends Error {
  readonly exitCode: number | null;

  constructor(exitCode: number | null, output: string) {
    super(output);
    this.name = 'LocalAppFailure';
    this.exitCode = exitCode;
  }
}

/** Somebody's connection may use a port for a moment that was free before. */
const STARTS_AT_MOST = 20;
const START_AGAIN_AFTER_MS = 500;

/**
 * Starts the built app, and resolves when it can be asked.
 *
 * @param environment settings, beside what any program needs of the real environment
 * @throws LocalAppFailure when it ends instead
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
  { dataFolder, port = 0 }: LocalAppOptions,
): Promise<LocalApp> {
  const { PATH = '', SystemRoot = '' } = process.env;
  const kept = dataFolder === undefined ? ['--ephemeral'] : ['--data', dataFolder];
  const child = spawn(
    process.execPath,
    [START, '--host', 'local', '--model', 'azure', '--port', String(port), ...kept],
    {
      env: { PATH, SystemRoot, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const closed = once(child, 'close');
  const baseUrl = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, address] = /^listening (\S+)$/m.exec(output) ?? [];
        if (address !== undefined) resolve(address);
      });
    }
    child.once('error', reject);
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

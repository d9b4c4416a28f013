import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const START = path.resolve(__dirname, '../../dist/local/start.js');

/** The built app under the local Functions host, in a process of its own. */
export interface LocalApp {
  readonly baseUrl: string;
  /** The id of its process. */
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  stop(): Promise<void>;
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

/**
 * Starts the built app on a free port, and resolves when it can be asked.
 *
 * @param environment settings, beside what any program needs of the real environment
 * @throws LocalAppFailure when it ends instead
 */
export async function startLocalApp(environment: Readonly<Record<string, string>>): Promise<LocalApp> {
  const { PATH = '', SystemRoot = '' } = process.env;
  const child = spawn(process.execPath, [START, '--host', 'local', '--model', 'azure', '--port', '0', '--ephemeral'], {
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
        if (address !== undefined) resolve(address);
      });
    }
    child.once('error', reject);
    child.once('close', (exitCode) => reject(new LocalAppFailure(exitCode, output)));
  });
  return {
    baseUrl,
    pid: child.pid ?? 0,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type {
  FoundEntities,
  FunctionKeys,
  HostLogEntry,
  ServedFunction,
} from '../../../../local/functions-host/index.js';

const repositoryFolder = path.resolve(__dirname, '../../../..');
const program = path.join(repositoryFolder, 'dist/tests/local/functions-host/support/serve.js');

/** Messages of the worker protocol, recorded by the app in `recording-app`. */
export interface InvocationMessage {
  readonly kind: 'invocation';
  readonly functionName: string;
  readonly request?: unknown;
  readonly response?: unknown;
}

type HostMessage =
  | {
      readonly kind: 'ready';
      readonly port: number;
      readonly functions: ServedFunction[];
      readonly keys?: FunctionKeys;
      readonly found?: FoundEntities;
    }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'log'; readonly entry: HostLogEntry }
  | InvocationMessage;

export interface HostProcess {
  readonly port: number;
  readonly functions: readonly ServedFunction[];
  /** Undefined if keys are off. */
  readonly keys: FunctionKeys | undefined;
  /** The content of its journal at the start. Undefined without a journal. */
  readonly found: FoundEntities | undefined;
  readonly processId: number | undefined;
  /** Everything logged so far. */
  readonly log: readonly HostLogEntry[];
  /** Everything sent by `recording-app` so far. */
  readonly invocations: readonly InvocationMessage[];
  /** Resolves when `condition` holds. Checks it after each message of the host. */
  until(condition: () => boolean): Promise<void>;
  /** Stops the host gracefully. Rejects if its process fails. */
  end(): Promise<void>;
  /** Kills its process with SIGKILL. */
  kill(): Promise<void>;
}

export interface HostProcessOptions {
  readonly keys?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Undefined keeps entities in memory. */
  readonly journalFolder?: string;
}

export function fixtureFolder(name: string): string {
  return path.join(repositoryFolder, 'tests/fixtures/functions-host', name);
}

/** Serves an app in a separate process, like the built local host. */
export async function startHostProcess(
  appFolder: string,
  { keys = false, environment = {}, journalFolder = '' }: HostProcessOptions = {},
): Promise<HostProcess> {
  const child = fork(program, [appFolder, keys ? 'keys' : '', journalFolder], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  const log: HostLogEntry[] = [];
  const invocations: InvocationMessage[] = [];
  const ready = await new Promise<Extract<HostMessage, { kind: 'ready' }>>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The host process ended with ${code} before it was ready.`)));
    child.on('message', (message: HostMessage) => {
      if (message.kind === 'ready') resolve(message);
      else if (message.kind === 'failed') reject(new Error(message.reason));
      else if (message.kind === 'log') log.push(message.entry);
      else invocations.push(message);
    });
  });
  return {
    port: ready.port,
    functions: ready.functions,
    keys: ready.keys,
    found: ready.found,
    processId: child.pid,
    log,
    invocations,
    async until(condition) {
      while (!condition()) await nextMessage(child);
    },
    async end() {
      const exited = once(child, 'exit');
      child.send('end');
      const [code] = await exited;
      if (code !== 0) throw new Error(`The host process ended with ${String(code)}.`);
    },
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function nextMessage(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onMessage = (): void => {
      child.off('exit', onExit);
      resolve();
    };
    const onExit = (): void => {
      child.off('message', onMessage);
      reject(new Error('The host process has ended.'));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}

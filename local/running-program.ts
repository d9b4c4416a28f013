import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const isWindows = process.platform === 'win32';
const graceMs = 5000;
const windowsGraceMs = 2000;
const lookEveryMs = 25;
const lastLinesMs = 500;

/** A started program and all of its children. */
export interface RunningProgram {
  /** Resolves when the program has exited, with a description such as `exited with code 1`. */
  readonly ended: Promise<string>;
  /** Returns that description, or undefined while the program runs. */
  howEnded(): string | undefined;
  /** Terminates the program and its children, and kills them if they take too long. */
  end(): Promise<void>;
}

/** A program to start. */
export interface Program {
  readonly command: string;
  readonly commandArguments: readonly string[];
  /** Working folder. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Called with each line of its output, on either stream. */
  readonly onLine: (line: string) => void;
}

/**
 * Starts a program in its own process group, so that Ctrl-C in the terminal reaches only this process, which then
 * terminates the group. Its input is empty. If this process exits without terminating it, the group is killed.
 */
export function startProgram(program: Program): RunningProgram {
  const options: SpawnOptions = {
    cwd: program.folder,
    env: program.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: !isWindows,
    windowsHide: true,
  };
  // Node starts .cmd files only through the shell. The arguments need no quoting: they are fixed words and numbers.
  const throughShell = isWindows && /\.(cmd|bat)$/i.test(program.command);
  const child = throughShell
    ? spawn(`"${program.command}" ${program.commandArguments.join(' ')}`, { ...options, shell: true })
    : spawn(program.command, program.commandArguments, options);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', program.onLine);
  }

  const { pid } = child;
  const endLeftovers = (): void => {
    if (pid !== undefined) forceEnd(pid);
  };
  process.once('exit', endLeftovers);
  let gone = pid === undefined;
  let end: string | undefined;
  const ended = new Promise<string>((resolve) => {
    const settle = (how: string): void => resolve((end ??= how));
    child.once('error', (error) => settle(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      gone = !hasMembers(pid);
      if (gone) process.removeListener('exit', endLeftovers);
      const how = signal === null ? `exited with code ${code}` : `was terminated by ${signal}`;
      // Its last lines arrive before 'close'. Do not wait forever for it: children may keep the output open.
      child.once('close', () => settle(how));
      setTimeout(settle, lastLinesMs, how);
    });
  });

  return {
    ended,
    howEnded: () => end,
    async end() {
      if (pid === undefined || gone) return;
      if (isWindows) {
        // On Windows, Ctrl-C has already reached every program of the console, and there is no other graceful signal.
        await Promise.race([ended, wait(windowsGraceMs, undefined, { ref: false })]);
      } else {
        signalGroup(pid, 'SIGTERM');
        const deadline = Date.now() + graceMs;
        while (hasMembers(pid) && Date.now() < deadline) await wait(lookEveryMs);
      }
      forceEnd(pid);
      await ended;
      process.removeListener('exit', endLeftovers);
    },
  };
}

function forceEnd(pid: number): void {
  if (isWindows) spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
  else signalGroup(pid, 'SIGKILL');
}

function hasMembers(pid: number | undefined): boolean {
  return pid !== undefined && !isWindows && signalGroup(pid, 0);
}

/** Returns whether the group still had a process to receive the signal. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: no process left. EPERM: on macOS, the processes have exited but were not reaped.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false;
    throw error;
  }
}

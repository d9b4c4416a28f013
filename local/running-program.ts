import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const isWindows = process.platform === 'win32';
const graceMs = 5000;
const windowsGraceMs = 2000;
const lookEveryMs = 25;
const lastLinesMs = 500;

/** A program that was started here, with everything that it starts in turn. */
export interface RunningProgram {
  /** Settles when the program has ended: says how, for example `ended with code 1`. */
  readonly ended: Promise<string>;
  /** The same as of now: undefined while it runs. */
  howEnded(): string | undefined;
  /** Asks the program and its children to end, and ends them by force when they take too long. */
  end(): Promise<void>;
}

/** How to start a program. */
export interface Program {
  readonly command: string;
  readonly commandArguments: readonly string[];
  /** Working folder. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Called with each line that it prints, on either stream. */
  readonly onLine: (line: string) => void;
}

/**
 * Starts a program as the head of a process group of its own, so that Ctrl-C in the terminal reaches only
 * this process, which then ends the whole group. Its input is empty. Should this process end without
 * ending it, the group is ended by force.
 */
export function startProgram(program: Program): RunningProgram {
  const options: SpawnOptions = {
    cwd: program.folder,
    env: program.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: !isWindows,
    windowsHide: true,
  };
  // Node starts .cmd files only through the shell. The arguments are fixed words and numbers.
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
      const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
      // Its last lines come before 'close', which children that hold its output open would put off for ever.
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
        // Ctrl-C in a console reaches every program of it, and no other signal is gentle there.
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

/** Whether the group still had a member to take the signal. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody left. EPERM: macOS says so of a group whose members have ended but were not collected.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false;
    throw error;
  }
}

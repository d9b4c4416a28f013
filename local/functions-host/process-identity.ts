import { readFileSync } from 'node:fs';

/** Identifies a process, even if a later one reuses its id. */
export interface ProcessIdentity {
  readonly id: number;
  /** Start time in ticks since boot. Linux only; undefined on other systems. */
  readonly startedAt: string | undefined;
}

/** Returns the process that has this id now. */
export function describeProcess(id: number): ProcessIdentity {
  return { id, startedAt: readStatus(id)?.startedAt };
}

/** Returns whether a process is running. Without a start time, whether any process has its id. */
export function isRunning({ id, startedAt }: ProcessIdentity): boolean {
  if (!isIdTaken(id)) return false;
  const status = readStatus(id);
  if (status === undefined) return true;
  return !status.hasEnded && (startedAt === undefined || startedAt === status.startedAt);
}

function isIdTaken(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ESRCH') return false;
    // It belongs to another user.
    if (error.code === 'EPERM') return true;
    throw error;
  }
}

/** Reads https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. @returns undefined if the file does not exist */
function readStatus(id: number): { readonly hasEnded: boolean; readonly startedAt: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${id}/stat`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
  // The second field, the program's name in parentheses, can contain anything, so the third one follows the last `)`.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', startedAt] = [fields[0], fields[19]];
  if (startedAt === undefined) throw new Error(`/proc/${id}/stat has an unexpected format: ${text}`);
  return { hasEnded: state === 'Z' || state === 'X', startedAt };
}

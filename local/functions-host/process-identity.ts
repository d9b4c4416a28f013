import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that was given the same id. */
export interface ProcessIdentity {
  readonly id: number;
  /** When it started, in ticks since the start of the system; undefined where the system does not tell (only Linux does). */
  readonly startedAt: string | undefined;
}

/** The process that has this id now. */
export function describeProcess(id: number): ProcessIdentity {
  return { id, startedAt: readStatus(id)?.startedAt };
}

/** Whether a process still runs; where the system does not tell more, whether there is one with its id. */
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

/** What https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html says of a process; undefined where there is no such file. */
function readStatus(id: number): { readonly hasEnded: boolean; readonly startedAt: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${id}/stat`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
  // The second field, the program's name in parentheses, may hold anything: the third one is behind the last of them.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', startedAt] = [fields[0], fields[19]];
  if (startedAt === undefined) throw new Error(`/proc/${id}/stat is not as it should be: ${text}`);
  return { hasEnded: state === 'Z' || state === 'X', startedAt };
}

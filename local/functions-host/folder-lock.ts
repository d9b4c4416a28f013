import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describeProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** Another process, or another part of this one, has locked the folder. */
export class FolderInUseError extends Error {
  readonly folder: string;
  readonly processId: number;

  constructor(folder: string, processId: number) {
    super(`${folder} is in use by process ${processId}.`);
    this.name = 'FolderInUseError';
    this.folder = folder;
    this.processId = processId;
  }
}

/** Exclusive use of a folder. */
export interface FolderLock {
  /** Returns whether the lock still exists. It is lost if the folder is deleted. */
  isHeld(): boolean;
  release(): void;
}

const patienceMs = 10;
const mostLooks = 20;

/**
 * Locks a folder until it is released or this process exits in any way.
 *
 * Each process creates its own lock file before it looks for others, and continues only if there are none. So two
 * processes never hold the lock. Deletes files of processes that have exited. If two start at the same time, the one whose
 * file name sorts later gives up immediately, and the other one waits for that.
 *
 * @param pause - blocks between checks
 * @throws FolderInUseError
 */
export function lockFolder(folder: string, pause: () => void = block): FolderLock {
  const own = nameLock(describeProcess(process.pid));
  const file = path.join(folder, own);
  const release = (): void => rmSync(file, { force: true });
  createFile(folder, file);
  for (let looks = 1; ; looks += 1) {
    const others = findOthers(folder, own);
    const [other] = others;
    if (other === undefined) return { isHeld: () => existsSync(file), release };
    if (looks === mostLooks || others.some(({ name }) => name < own)) {
      release();
      throw new FolderInUseError(folder, other.owner.id);
    }
    pause();
  }
}

/** Returns the locks of other running processes, and deletes those of exited ones. */
function findOthers(folder: string, own: string): { readonly name: string; readonly owner: ProcessIdentity }[] {
  return readdirSync(folder).flatMap((name) => {
    const owner = readLock(name);
    if (owner === undefined || name === own) return [];
    if (isRunning(owner)) return [{ name, owner }];
    rmSync(path.join(folder, name), { force: true });
    return [];
  });
}

function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patienceMs);
}

function createFile(folder: string, file: string): void {
  try {
    closeSync(openSync(file, 'wx'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new FolderInUseError(folder, process.pid);
  }
}

/** The name contains all information, because a file could be found before its content is written. */
function nameLock({ id, startedAt }: ProcessIdentity): string {
  return `host-${id}-${startedAt ?? 'unknown'}.lock`;
}

function readLock(name: string): ProcessIdentity | undefined {
  const [, id, startedAt] = /^host-(\d+)-(\d+|unknown)\.lock$/.exec(name) ?? [];
  if (id === undefined) return undefined;
  return { id: Number(id), startedAt: startedAt === 'unknown' ? undefined : startedAt };
}

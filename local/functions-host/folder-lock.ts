import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describeProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** Another process, or another part of this one, has locked the folder. */
export class FolderInUseError extends Error {
  readonly folder: string;
  readonly processId: number;

  constructor(folder: string, processId: number) {
    super(`${folder} is in use by the process ${processId}.`);
    this.name = 'FolderInUseError';
    this.folder = folder;
    this.processId = processId;
  }
}

/** A folder is this process's own. */
export interface FolderLock {
  /** Whether it still is: no longer when somebody has deleted the folder. */
  isHeld(): boolean;
  release(): void;
}

const patienceMs = 10;
const mostLooks = 20;

/**
 * Locks a folder for this process until it is released, or the process ends in any way.
 *
 * Each process puts a file of its own there before it looks for others, and goes on only when there are none: so no two
 * ever have the folder. Files of processes that have ended are removed. Two that come at the very same time see each
 * other: the one whose file comes later in the alphabet gives way at once, and the other one waits a moment for that.
 *
 * @param pause - blocks between two looks.
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

/** Locks of other processes that run; those of others are removed. */
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

/** The name says it all: a file with something in it could be found before that is written. */
function nameLock({ id, startedAt }: ProcessIdentity): string {
  return `host-${id}-${startedAt ?? 'unknown'}.lock`;
}

function readLock(name: string): ProcessIdentity | undefined {
  const [, id, startedAt] = /^host-(\d+)-(\d+|unknown)\.lock$/.exec(name) ?? [];
  if (id === undefined) return undefined;
  return { id: Number(id), startedAt: startedAt === 'unknown' ? undefined : startedAt };
}

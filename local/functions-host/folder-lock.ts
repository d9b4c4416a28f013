import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
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

/**
 * Locks a folder for this process until the returned function is called, or the process ends in any way.
 *
 * Each process puts a file of its own there before it looks for others, and files of processes that have ended are
 * removed: so no two ever have the folder, though two that come at the very same time may both be refused.
 *
 * @throws FolderInUseError
 */
export function lockFolder(folder: string): () => void {
  const own = nameLock(describeProcess(process.pid));
  const file = path.join(folder, own);
  const unlock = (): void => rmSync(file, { force: true });
  createFile(folder, file);
  for (const name of readdirSync(folder)) {
    const owner = readLock(name);
    if (owner === undefined || name === own) continue;
    if (isRunning(owner)) {
      unlock();
      throw new FolderInUseError(folder, owner.id);
    }
    rmSync(path.join(folder, name), { force: true });
  }
  return unlock;
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

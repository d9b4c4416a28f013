import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { lockFolder } from '../../../local/functions-host/folder-lock.js';
import { makeFolder } from '../support/folders.js';

const lockModule = path.resolve(__dirname, '../../../dist/local/functions-host/folder-lock.js');

/** Locks a folder in a new process, and keeps the lock until that process ends. */
async function lockElsewhere(folder: string): Promise<ChildProcess> {
  const program = `
    require(${JSON.stringify(lockModule)}).lockFolder(${JSON.stringify(folder)});
    console.log('locked');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('a locked folder names the process that locked it, and is free after the unlock', async () => {
  const folder = await makeFolder();
  const lock = lockFolder(folder);
  expect(lock.isHeld()).toBe(true);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ folder, processId: process.pid }));
  lock.release();
  expect(lock.isHeld()).toBe(false);
  expect(await readdir(folder)).toEqual([]);
  lockFolder(folder).release();
});

test('a folder is free again after its process is killed', async () => {
  const folder = await makeFolder();
  const other = await lockElsewhere(folder);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: other.pid }));
  // The folder contains only the lock of the other process.
  expect(await readdir(folder)).toHaveLength(1);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = lockFolder(folder);
  // The folder contains only the new lock.
  expect(await readdir(folder)).toHaveLength(1);
  lock.release();
});

test.skipIf(process.platform !== 'linux')(
  'a new process with the id of the dead lock owner does not count as the owner',
  async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, `host-${process.pid}-1.lock`), '');
    await writeFile(path.join(folder, `host-${process.ppid}-1.lock`), '');
    lockFolder(folder).release();
    expect(await readdir(folder)).toEqual([]);
  },
);

test('a lock without a start time holds while a process with its id exists', async () => {
  const folder = await makeFolder();
  await writeFile(path.join(folder, `host-${process.ppid}-unknown.lock`), '');
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: process.ppid }));
});

describe.skipIf(process.platform !== 'linux')('of two processes that lock a folder at the same time', () => {
  const first = 'host-1-unknown.lock';
  // The lock of a running process. It sorts after our own lock, whose name contains our start time.
  const last = `host-${process.pid}-unknown.lock`;

  test('the one whose lock sorts last gives up at once', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, first), '');
    const pause = vi.fn<() => void>();
    expect(() => lockFolder(folder, pause)).toThrow(expect.objectContaining({ processId: 1 }));
    expect(pause).not.toHaveBeenCalled();
    expect(await readdir(folder)).toEqual([first]);
  });

  test('the other one waits for that, and gets the folder', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, last), '');
    const pause = vi.fn<() => void>(() => rmSync(path.join(folder, last)));
    const lock = lockFolder(folder, pause);
    expect(pause).toHaveBeenCalledOnce();
    expect(lock.isHeld()).toBe(true);
    lock.release();
  });

  test('the other one does not wait long if the lock stays', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, last), '');
    expect(() => lockFolder(folder, () => {})).toThrow(expect.objectContaining({ processId: process.pid }));
    expect(await readdir(folder)).toEqual([last]);
  });
});

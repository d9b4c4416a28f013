import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { lockFolder } from '../../../local/functions-host/folder-lock.js';
import { makeFolder } from '../support/folders.js';

const lockModule = path.resolve(__dirname, '../../../dist/local/functions-host/folder-lock.js');

/** Locks a folder in a process of its own, and leaves it locked until that is ended. */
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

test('a locked folder names the process that has it, and is free when that gives it up', async () => {
  const folder = await makeFolder();
  const lock = lockFolder(folder);
  expect(lock.isHeld()).toBe(true);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ folder, processId: process.pid }));
  lock.release();
  expect(lock.isHeld()).toBe(false);
  expect(await readdir(folder)).toEqual([]);
  lockFolder(folder).release();
});

test('a folder is free again when its process is killed', async () => {
  const folder = await makeFolder();
  const other = await lockElsewhere(folder);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: other.pid }));
  // Only the lock of the other one.
  expect(await readdir(folder)).toHaveLength(1);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = lockFolder(folder);
  // Only its own lock.
  expect(await readdir(folder)).toHaveLength(1);
  lock.release();
});

test.skipIf(process.platform !== 'linux')(
  'a process that was given the id of the dead one is not mistaken for it',
  async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, `host-${process.pid}-1.lock`), '');
    await writeFile(path.join(folder, `host-${process.ppid}-1.lock`), '');
    lockFolder(folder).release();
    expect(await readdir(folder)).toEqual([]);
  },
);

test('a lock that does not tell when its process started holds while there is one with its id', async () => {
  const folder = await makeFolder();
  await writeFile(path.join(folder, `host-${process.ppid}-unknown.lock`), '');
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: process.ppid }));
});

describe.skipIf(process.platform !== 'linux')('of two that come at the very same time', () => {
  const first = 'host-1-unknown.lock';
  // Of a process that runs, and behind our own lock in the alphabet: that tells when this process has started.
  const last = `host-${process.pid}-unknown.lock`;

  test('the one that comes later in the alphabet gives way at once', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, first), '');
    const pause = vi.fn<() => void>();
    expect(() => lockFolder(folder, pause)).toThrow(expect.objectContaining({ processId: 1 }));
    expect(pause).not.toHaveBeenCalled();
    expect(await readdir(folder)).toEqual([first]);
  });

  test('the other one waits for that, and has the folder', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, last), '');
    const pause = vi.fn<() => void>(() => rmSync(path.join(folder, last)));
    const lock = lockFolder(folder, pause);
    expect(pause).toHaveBeenCalledOnce();
    expect(lock.isHeld()).toBe(true);
    lock.release();
  });

  test('but not for long: it may be there to stay', async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, last), '');
    expect(() => lockFolder(folder, () => {})).toThrow(expect.objectContaining({ processId: process.pid }));
    expect(await readdir(folder)).toEqual([last]);
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
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
  const unlock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ folder, processId: process.pid }));
  unlock();
  expect(await readdir(folder)).toEqual([]);
  lockFolder(folder)();
});

test('a folder is free again when its process is killed', async () => {
  const folder = await makeFolder();
  const other = await lockElsewhere(folder);
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: other.pid }));
  // Only the lock of the other one.
  expect(await readdir(folder)).toHaveLength(1);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const unlock = lockFolder(folder);
  // Only its own lock.
  expect(await readdir(folder)).toHaveLength(1);
  unlock();
});

test.skipIf(process.platform !== 'linux')(
  'a process that was given the id of the dead one is not mistaken for it',
  async () => {
    const folder = await makeFolder();
    await writeFile(path.join(folder, `host-${process.pid}-1.lock`), '');
    await writeFile(path.join(folder, `host-${process.ppid}-1.lock`), '');
    lockFolder(folder)();
    expect(await readdir(folder)).toEqual([]);
  },
);

test('a lock that does not tell when its process started holds while there is one with its id', async () => {
  const folder = await makeFolder();
  await writeFile(path.join(folder, `host-${process.ppid}-unknown.lock`), '');
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ processId: process.ppid }));
});

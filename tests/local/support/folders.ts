import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates a folder with the given files (path → text) and removes it after the test. */
export async function makeFolder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'launcher-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

/** Creates the folder of a function app with one file. */
export function makeApp(main: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  return makeFolder({
    'package.json': JSON.stringify({ name: 'app', main: 'main.js' }),
    'host.json': JSON.stringify({ version: '2.0' }),
    'main.js': main,
    ...files,
  });
}

import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';

/** Returns the path of a program on PATH, or undefined. */
export async function findOnPath(name: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const isWindows = process.platform === 'win32';
  const names = isWindows ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of (environment['PATH'] ?? '').split(path.delimiter)) {
    if (folder === '') continue;
    for (const candidate of names.map((fileName) => path.join(folder, fileName))) {
      if (await isProgram(candidate)) return candidate;
    }
  }
  return undefined;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch (error) {
    // The file cannot be executed, so continue the search, like a shell.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

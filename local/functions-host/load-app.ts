import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const packageJson = z.object({ main: z.string().optional() });

/**
 * Imports the `main` of an app's package.json: a file, or all files that match a glob, sorted by name. Supports CommonJS
 * and ES modules.
 *
 * @throws Error if no file matches, or the error of reading package.json or of the app itself
 */
export async function loadApp(appFolder: string): Promise<void> {
  const { main = 'index.js' } = packageJson.parse(
    JSON.parse(await readFile(path.join(appFolder, 'package.json'), 'utf8')),
  );
  const files = /[*?{[]/.test(main) ? await findFiles(appFolder, main) : [main];
  if (files.length === 0) throw new Error(`No file matches "main" of package.json, "${main}", in ${appFolder}.`);
  for (const file of files) {
    // In order, because it determines the order of registration.
    await import(pathToFileURL(path.resolve(appFolder, file)).href);
  }
}

async function findFiles(folder: string, glob: string): Promise<string[]> {
  const pattern = globPattern(path.posix.normalize(glob));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .filter((file) => !file.startsWith('node_modules/') && pattern.test(file))
    .toSorted();
}

/** Supports `*`, `**`, `?`, `[…]` and `{…,…}`. */
function globPattern(glob: string): RegExp {
  let depth = 0;
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|[{},]|[.+^$()|\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token === '{') return depth++ >= 0 ? '(?:' : token;
    if (token === '}') return depth-- > 0 ? ')' : token;
    if (token === ',') return depth > 0 ? '|' : token;
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

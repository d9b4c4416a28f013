import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const packageJson = z.object({ main: z.string().optional(), type: z.string().optional() });

/**
 * Loads the `main` of an app's package.json: a file, or all files that match a glob, sorted by name. Requires CommonJS
 * modules and imports ES modules, as the Node worker of Azure Functions does. To import a large CommonJS module takes
 * longer, because Node parses it twice.
 *
 * @throws Error if no file matches, or the error of reading package.json or of the app itself
 */
export async function loadApp(appFolder: string): Promise<void> {
  const { main = 'index.js', type } = packageJson.parse(
    JSON.parse(await readFile(path.join(appFolder, 'package.json'), 'utf8')),
  );
  const files = /[*?{[]/.test(main) ? await findFiles(appFolder, main) : [main];
  if (files.length === 0) throw new Error(`No file matches "main" of package.json, "${main}", in ${appFolder}.`);
  for (const file of files.map((name) => path.resolve(appFolder, name))) {
    const isModule = file.endsWith('.mjs') || (type === 'module' && !file.endsWith('.cjs'));
    // In order, because it determines the order of registration.
    if (isModule) await import(pathToFileURL(file).href);
    else createRequire(file)(file);
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

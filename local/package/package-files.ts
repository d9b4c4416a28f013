import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const packageJson = z.object({
  name: z.string(),
  version: z.string(),
  type: z.string().optional(),
  main: z.string(),
  engines: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});
const packageLock = z.object({
  packages: z.record(z.string(), z.object({ version: z.string(), dev: z.boolean().default(false) })),
});
const installedPackage = z.object({ version: z.string() });

/** Packages bundled into the dashboard's page. Their licenses go into `licenses/`. */
const PAGE_PACKAGES = ['eventsource-parser', 'htm', 'marked', 'preact', 'remend'];

/** The files to deploy to Azure. */
export interface PackageFiles {
  readonly name: string;
  readonly version: string;
  /** Content of each file by its path in the app's folder, with `/`, in UTF-16 order. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Collects the files that the built app needs: `host.json`, a package.json without its development parts, the compiled
 * `src/`, the dashboard's page, the production dependencies of package-lock.json, and the licenses of all of them.
 *
 * @throws Error if the app is not built, or if the installed packages do not match package-lock.json
 */
export async function collectPackageFiles(projectFolder: string): Promise<PackageFiles> {
  const manifest = packageJson.parse(await readJson(path.join(projectFolder, 'package.json')));
  const files = new Map<string, Uint8Array>();
  files.set('package.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  for (const name of PAGE_PACKAGES) {
    files.set(`licenses/${name}.txt`, await readFile(path.join(projectFolder, 'node_modules', name, 'LICENSE')));
  }
  for (const file of [
    'LICENSE',
    'host.json',
    ...(await compiledFiles(projectFolder)),
    ...(await pageFiles(projectFolder)),
    ...(await dependencyFiles(projectFolder)),
  ]) {
    files.set(file, await readFile(path.join(projectFolder, file)));
  }
  // Sorted by code unit, independent of the machine's locale.
  const sorted = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { name: manifest.name, version: manifest.version, files: new Map(sorted) };
}

/** Based on the sources, because dist/ may still contain the output of deleted ones. */
async function compiledFiles(projectFolder: string): Promise<string[]> {
  const all = await listFiles(path.join(projectFolder, 'src'));
  const sources = all.filter((source) => !source.startsWith('dashboard/page/'));
  const other = sources.filter((source) => !source.endsWith('.ts'));
  if (other.length > 0)
    throw new Error(`The compiler takes only TypeScript from src/ to dist/, not ${other.join(', ')}.`);
  return sources.map((source) => `dist/src/${source.replace(/\.ts$/, '.js')}`);
}

/** The dashboard's page is bundled, and its build deletes old files. */
async function pageFiles(projectFolder: string): Promise<string[]> {
  const folder = 'dist/src/dashboard/assets';
  const files = await listFiles(path.join(projectFolder, folder));
  return files.map((file) => `${folder}/${file}`);
}

async function dependencyFiles(projectFolder: string): Promise<string[]> {
  const lock = packageLock.parse(await readJson(path.join(projectFolder, 'package-lock.json')));
  const folders = Object.entries(lock.packages).filter(([folder, { dev }]) => folder !== '' && !dev);
  const files = folders.map(async ([folder, { version }]) => {
    const installed = installedPackage.parse(await readJson(path.join(projectFolder, folder, 'package.json')));
    if (installed.version !== version) {
      throw new Error(`${folder} is ${installed.version}, not ${version} as in package-lock.json: run npm ci.`);
    }
    const own = await listFiles(path.join(projectFolder, folder));
    // Nested packages have their own entries in the lock file.
    return own.filter((file) => !file.startsWith('node_modules/') && isNeeded(file)).map((file) => `${folder}/${file}`);
  });
  return (await Promise.all(files)).flat();
}

/**
 * Returns whether a file of a package may be needed at run time. Node does not load TypeScript in node_modules, Markdown
 * or, by default, source maps. Licenses must stay with the code.
 */
function isNeeded(file: string): boolean {
  return !/\.(?:[cm]?ts|map|md)$/i.test(file) || /(?:^|\/)(?:licen[cs]e|notice)[^/]*$/i.test(file);
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

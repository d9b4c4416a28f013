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

/** The packages that are bundled into the dashboard's page; their licenses go into `licenses/`. */
const PAGE_PACKAGES = ['eventsource-parser', 'htm', 'marked', 'preact', 'remend'];

/** What goes to Azure. */
export interface PackageFiles {
  readonly name: string;
  readonly version: string;
  /** The content of each file by its path from the app's folder, `/` between names, in the order of their UTF-16 codes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Collects what the built app needs to run, and the license texts of what it carries: `host.json`, a package.json
 * without what only development needs, the compiled `src/`, the dashboard's page, and the production dependencies that
 * package-lock.json names.
 *
 * @throws Error when the app is not built, or when what is installed is not what package-lock.json says.
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
  // Sorted by code, not by the machine's language.
  const sorted = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { name: manifest.name, version: manifest.version, files: new Map(sorted) };
}

/** Goes by the sources, as dist/ also keeps what was compiled from sources that are gone. */
async function compiledFiles(projectFolder: string): Promise<string[]> {
  const all = await listFiles(path.join(projectFolder, 'src'));
  const sources = all.filter((source) => !source.startsWith('dashboard/page/'));
  const other = sources.filter((source) => !source.endsWith('.ts'));
  if (other.length > 0)
    throw new Error(`The compiler takes only TypeScript from src/ to dist/, not ${other.join(', ')}.`);
  return sources.map((source) => `dist/src/${source.replace(/\.ts$/, '.js')}`);
}

/** The dashboard's page is bundled, not compiled; its build leaves nothing from before. */
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
    // Packages within a package have entries of their own in the lock file.
    return own.filter((file) => !file.startsWith('node_modules/') && isNeeded(file)).map((file) => `${folder}/${file}`);
  });
  return (await Promise.all(files)).flat();
}

/**
 * Node refuses TypeScript below node_modules, reads source maps only when told to, and never reads Markdown; licenses
 * have to stay with the code. Whatever else a package holds it may load.
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

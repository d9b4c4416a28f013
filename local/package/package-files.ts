import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { bundle, type BundledFile } from './bundle.js';

const packageJson = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.record(z.string(), z.string()),
});
const packageLock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });
const installedPackage = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });

/** Folders of the packages that the build bundles into the dashboard's page. */
const PAGE_PACKAGES = ['eventsource-parser', 'htm', 'marked', 'preact'].map((name) => `node_modules/${name}`);

/** The files to deploy to Azure. */
export interface PackageFiles {
  readonly name: string;
  readonly version: string;
  /** Content of each file by its path in the app's folder, with `/`, in UTF-16 order. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Collects the files that the app needs: `host.json`, a package.json, the app bundled with the packages it imports, the
 * dashboard's page, and the licenses of all of them.
 *
 * @throws Error if the page is not built, or if the installed packages do not match package-lock.json
 */
export async function collectPackageFiles(projectFolder: string): Promise<PackageFiles> {
  const { name, version, engines } = packageJson.parse(await readJson(path.join(projectFolder, 'package.json')));
  const bundled = await bundle(projectFolder, { app: 'src/index.ts' });
  const manifest = { name, version, main: 'dist/app.js', engines };
  const files = new Map<string, Uint8Array>();
  files.set('package.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  for (const file of ['LICENSE', 'host.json']) files.set(file, await readFile(path.join(projectFolder, file)));
  for (const { fileName, code } of bundled) files.set(`dist/${fileName}`, Buffer.from(code));
  // The app looks for its page next to its code.
  const pageFolder = path.join(projectFolder, 'dist/src/dashboard/assets');
  for (const file of await readdir(pageFolder)) {
    files.set(`dist/assets/${file}`, await readFile(path.join(pageFolder, file)));
  }
  for (const license of await readLicenses(projectFolder, [
    ...packageFolders(projectFolder, bundled),
    ...PAGE_PACKAGES,
  ])) {
    files.set(`licenses/${license.name}.txt`, Buffer.from(license.text));
  }
  // Sorted by code unit, independent of the machine's locale.
  const sorted = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { name, version, files: new Map(sorted) };
}

/** Sorted folders of the bundled packages, relative to the project folder, with `/`. */
function packageFolders(projectFolder: string, bundled: readonly BundledFile[]): readonly string[] {
  const folders = bundled
    .flatMap(({ moduleIds }) => moduleIds)
    .map((file) => path.relative(projectFolder, file).replaceAll(path.sep, '/'))
    .flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].toSorted();
}

/** @param folders - of packages, relative to the project folder */
async function readLicenses(
  projectFolder: string,
  folders: readonly string[],
): Promise<{ readonly name: string; readonly text: string }[]> {
  const lock = packageLock.parse(await readJson(path.join(projectFolder, 'package-lock.json')));
  return Promise.all(
    folders.map(async (folder) => {
      const { name, version, license } = installedPackage.parse(
        await readJson(path.join(projectFolder, folder, 'package.json')),
      );
      const locked = lock.packages[folder]?.version;
      if (locked !== version) {
        const problem =
          locked === undefined ? 'is not in package-lock.json' : `is ${version}, but package-lock.json has ${locked}`;
        throw new Error(`${folder} ${problem}. Run npm ci.`);
      }
      const all = (await readdir(path.join(projectFolder, folder))).toSorted();
      const own = all.filter((file) => /^(?:licen[cs]e|notice)/i.test(file));
      // Some packages state their license only in the README.
      const sources = own.length > 0 ? own : all.filter((file) => /^readme/i.test(file));
      const texts = sources.map((file) => readFile(path.join(projectFolder, folder, file), 'utf8'));
      const text = [`${name} ${version}, license: ${license ?? 'see below'}`, ...(await Promise.all(texts))].join(
        '\n\n',
      );
      return { name: `${name.replace('/', '__')}-${version}`, text };
    }),
  );
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

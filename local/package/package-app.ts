import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { zipSync } from 'fflate';
import { runCommand } from '../run-command.js';
import { toHostJson } from './host-json.js';
import { collectPackageFiles, type PackageFiles } from './package-files.js';
import { parsePackageOptions } from './package-options.js';

// Writes the deployable files of the built app to a zip, or to a folder that another tool packages. The output is
// reproducible.

/** A zip stores local times, so a date made from local parts gives the same bytes in every time zone. */
const modified = new Date(1980, 0, 1, 12);
const unix = 3;
const ordinaryFileMode = 0o100644;

void runCommand(async ({ printer }) => {
  const { zipFolder, folder, durableBackend } = parsePackageOptions(process.argv.slice(2));
  const projectFolder = path.resolve(__dirname, '..', '..', '..');
  const collected = await collectPackageFiles(projectFolder);
  const hostJson = Buffer.from(collected.files.get('host.json') ?? []).toString();
  const files = new Map(collected.files).set('host.json', Buffer.from(toHostJson(hostJson, durableBackend)));
  const unpackedBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (folder === undefined) {
    const { file, bytes } = await writeZip(zipFolder ?? projectFolder, { ...collected, files });
    printer.line(`${shown(file)}: ${files.size} files, ${megabytes(bytes)}, unpacked ${megabytes(unpackedBytes)}`);
  } else {
    await writeFiles(path.resolve(folder), files);
    printer.line(`${shown(folder)}: ${files.size} files, ${megabytes(unpackedBytes)}`);
  }
});

async function writeZip(folder: string, { name, version, files }: PackageFiles) {
  const zip = zipSync(Object.fromEntries(files), {
    level: 9,
    mtime: modified,
    os: unix,
    attrs: ordinaryFileMode << 16,
  });
  const file = path.resolve(folder, `${name}-${version}.zip`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, zip);
  return { file, bytes: zip.length };
}

async function writeFiles(folder: string, files: PackageFiles['files']): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

function shown(file: string): string {
  return path.relative(process.cwd(), file);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { zipSync } from 'fflate';
import { collectPackageFiles } from './package-files.js';

// Writes the deployable zip of the built app to the folder that is given, or to the project's; the same input gives the
// same bytes.

/** A zip keeps local times, so that noon of a day is the same everywhere only when it is made from local parts. */
const modified = new Date(1980, 0, 1, 12);
const unix = 3;
const ordinaryFileMode = 0o100644;

void main();

async function main(): Promise<void> {
  const projectFolder = path.resolve(__dirname, '..', '..', '..');
  const { name, version, files } = await collectPackageFiles(projectFolder);
  const zip = zipSync(Object.fromEntries(files), {
    level: 9,
    mtime: modified,
    os: unix,
    attrs: ordinaryFileMode << 16,
  });
  const file = path.resolve(process.argv[2] ?? projectFolder, `${name}-${version}.zip`);
  await writeFile(file, zip);
  const unpackedBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(
    `${path.relative(process.cwd(), file)}: ${files.size} files, ${megabytes(zip.length)}, unpacked ${megabytes(unpackedBytes)}`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// Bundles the dashboard's page next to the compiled routes that serve it. File names contain a hash of the content, so
// that browsers can cache them forever; index.html links them. The output is reproducible.

void main();

async function main(): Promise<void> {
  const projectFolder = path.resolve(__dirname, '..', '..', '..');
  const pageFolder = path.join(projectFolder, 'src/dashboard/page');
  const assetsFolder = path.join(projectFolder, 'dist/src/dashboard/assets');
  const bundle = await build({
    absWorkingDir: projectFolder,
    entryPoints: ['main.ts', 'styles/main.css'].map((file) => path.join(pageFolder, file)),
    outdir: assetsFolder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    legalComments: 'none',
    write: false,
  });
  const assets = new Map<string, Uint8Array>();
  for (const { path: file, contents } of bundle.outputFiles) assets.set(path.basename(file), contents);
  assets.set('icon.svg', await readFile(path.join(pageFolder, 'icon.svg')));

  await rm(assetsFolder, { recursive: true, force: true });
  await mkdir(assetsFolder, { recursive: true });
  let page = await readFile(path.join(pageFolder, 'index.html'), 'utf8');
  for (const [name, content] of assets) {
    const hashedName = nameWithHash(name, content);
    page = page.replaceAll(`{${name}}`, hashedName);
    await writeFile(path.join(assetsFolder, hashedName), content);
    console.log(`${hashedName}: ${kilobytes(content.length)}, ${kilobytes(gzipSync(content).length)} compressed`);
  }
  await writeFile(path.join(assetsFolder, 'index.html'), page);
}

function nameWithHash(name: string, content: Uint8Array): string {
  const { name: base, ext } = path.parse(name);
  return `${base}-${createHash('sha256').update(content).digest('hex').slice(0, 12)}${ext}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundle } from '../../local/package/bundle.js';

// Bundles the commands and the app for tests, which start them a hundred times: loading a few files takes half the CPU
// time of loading a thousand.

const PROGRAMS = {
  start: 'local/start.ts',
  demo: 'local/demo.ts',
  'watch-thread': 'local/watch-thread.ts',
  'telemetry-receiver': 'local/telemetry-receiver.ts',
  smoke: 'local/smoke/smoke.ts',
  app: 'src/index.ts',
};

void main();

async function main(): Promise<void> {
  const folder = path.resolve('dist/bundled');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const { fileName, code } of await bundle(process.cwd(), PROGRAMS)) {
    await writeFile(path.join(folder, fileName), code);
  }
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ main: 'app.js' }));
  await cp('host.json', path.join(folder, 'host.json'));
  await cp('dist/src/dashboard/assets', path.join(folder, 'assets'), { recursive: true });
}

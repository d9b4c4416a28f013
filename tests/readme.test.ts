import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const projectFolder = path.resolve(__dirname, '..');

it('shows, in the README, a callback that compiles', async () => {
  const readme = await readFile(path.join(projectFolder, 'README.md'), 'utf8');
  const [, code = ''] = /```ts\n\/\/ src\/audit\/token-meter\.ts\n(.*?)```/s.exec(readme) ?? [];
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'token-meter.ts'), code.replaceAll("from '../", `from '${projectFolder}/src/`));
  const typeRoots = [path.join(projectFolder, 'node_modules', '@types')];
  const config = {
    extends: path.join(projectFolder, 'tsconfig.json'),
    compilerOptions: { noEmit: true, rootDir: '/', typeRoots },
    include: ['token-meter.ts'],
    exclude: [],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));

  const compiler = path.join(projectFolder, 'node_modules', 'typescript', 'lib', 'tsc.js');
  const compiling = promisify(execFile)(process.execPath, [compiler, '-p', folder]);

  expect(code).toContain('implements AgentResponseCallback');
  await expect(compiling).resolves.toMatchObject({ stdout: '' });
});

import { spawnSync } from 'node:child_process';

// `npm run test:node -- 22` runs the contract suite and its app with this Node.js version, which comes from the npm
// package `node`.

const [version = ''] = process.argv.slice(2);
const npm = process.env['npm_execpath'];
if (!/^\d+(\.\d+){0,2}$/.test(version) || npm === undefined) {
  console.error('Usage: npm run test:node -- VERSION (for example 22)');
  process.exit(2);
}
const underNode = ['exec', '--yes', `--package=node@${version}`, '--', 'node'];
for (const command of [['--version'], ['node_modules/vitest/vitest.mjs', 'run', 'tests/contract']]) {
  const { status } = spawnSync(process.execPath, [npm, ...underNode, ...command], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// azd runs this before it packages the service. It builds the app and writes the deployed files to dist/package.
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const backend = process.env.DURABLE_BACKEND || 'storage';
if (backend !== 'storage' && backend !== 'scheduler') {
  throw new Error(`DURABLE_BACKEND is ${backend}. Expected storage or scheduler.`);
}
const { status, error } = spawnSync(
  'npm',
  ['run', 'package', '--', '--folder', 'dist/package', '--durable-backend', backend],
  // npm is a script on Windows, which only a shell can run; no argument comes from outside.
  { cwd: path.resolve(__dirname, '../..'), stdio: 'inherit', shell: process.platform === 'win32' },
);
if (error) throw error;
process.exitCode = status ?? 1;

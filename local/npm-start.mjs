// Runs on `npm start`: makes the checks that need no compilation, compiles, then starts the launcher. Plain JavaScript
// that old Node versions can parse, so that their users get a helpful error.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const packageFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const commandLine = process.argv.slice(2);
const options = ['port', 'host', 'model', 'keys', 'app', 'data', 'ephemeral'];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  leave(`Node ${process.versions.node} is too old: this app needs Node 20.19 or later.`, 1);
}

// Without `--` before them, npm treats options as its own configuration.
const taken = options.filter((name) => process.env[`npm_config_${name}`] !== undefined);
if (process.env['npm_lifecycle_event'] === 'start' && taken.length > 0) {
  const values = taken.map((name) => [`--${name}`, process.env[`npm_config_${name}`]]);
  const given = values.flatMap(([name, value]) => (value === 'true' ? [name] : [name, value]));
  leave(
    `npm took ${taken.map((name) => `--${name}`).join(' and ')} as its own options. Use npm start -- ${[...given, ...commandLine].join(' ')}`,
    2,
  );
}

const port = findPort();
if (port !== undefined && (await isTaken(port))) {
  leave(
    `Port ${port} is in use. Choose another one with --port NUMBER, or --port 0 for a free one (npm start -- --port 0).`,
    1,
  );
}

console.log('compile   TypeScript and the dashboard (a few seconds)');
const npm = process.env['npm_execpath'];
const build = ['run', '--silent', 'build:app'];
const { status } =
  npm === undefined
    ? spawnSync('npm', build, { cwd: packageFolder, stdio: 'inherit', shell: process.platform === 'win32' })
    : spawnSync(process.execPath, [npm, ...build], { cwd: packageFolder, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
await import(pathToFileURL(path.join(packageFolder, 'dist/local/start.js')).href);

/** Returns the port that the launcher will probably use. */
function findPort() {
  const given = / --port[= ](\d{1,5})( |$)/.exec(` ${commandLine.join(' ')}`);
  if (given !== null) return Number(given[1]) || undefined;
  if (commandLine.some((word) => /^(--app|--port|--help|-h)\b/.test(word))) return undefined;
  try {
    const settings = readFileSync(path.join(packageFolder, 'local.settings.json'), 'utf8');
    const fromFile = /"LocalHttpPort"\s*:\s*(\d{1,5})/i.exec(settings);
    return fromFile === null ? 7071 : Number(fromFile[1]) || undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return 7071;
    throw error;
  }
}

function isTaken(candidate) {
  return new Promise((resolve) => {
    const socket = connect(candidate, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}

function leave(message, exitCode) {
  console.error(message);
  process.exit(exitCode);
}

import { Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseLaunchOptions } from '../../local/launch-options.js';
import { launch } from '../../local/launch.js';
import { createPrinter } from '../../local/printer.js';
import { Shutdown } from '../../local/shutdown.js';
import { makeCoreTools } from './support/fake-core-tools.js';
import { makeApp, makeFolder } from './support/folders.js';
import { launchApp } from './support/launched.js';

const ownStorage = { AzureWebJobsStorage: 'DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=eA==' };
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function processIdsIn(output: string): number[] {
  return [...(/pids (\d+) (\d+)\./.exec(output) ?? [])].slice(1).map(Number);
}

describe.skipIf(process.platform === 'win32')('npm start with Core Tools', () => {
  it('uses them if they are on PATH, passes the settings on, and is ready when their host is', async () => {
    const launched = launchApp(['--port', '0'], {
      ...ownStorage,
      TASKHUB_NAME: 'mine',
      PATH: await makeCoreTools('4.0.7317'),
    });
    const output = await launched.printed(/listening http:\/\/localhost:\d+\n[\s\S]*curl/);
    expect(output).toContain('Core Tools 4.0.7317');
    expect(output).toMatch(/"endpoint":"http:\/\/127\.0\.0\.1:\d+","taskHub":"mine","runtime":"node"/);
    expect(output).toMatch(/http-CallbackAgent\s+POST \/api\/agents\/CallbackAgent\/run/);
    expect(output).toMatch(/dafx-CallbackAgent\s+entity/);
  });

  it('leaves local.settings.json to them', async () => {
    const app = await makeApp('', { 'local.settings.json': JSON.stringify({ Values: { FROM_FILE: 'file' } }) });
    const environment = { ...ownStorage, PATH: await makeCoreTools('4.0.7317') };
    const launched = launchApp(['--port', '0', '--app', app], environment);
    expect(await launched.printed('listening')).not.toContain('"fromFile"');
  });

  it('stops them and their children on Ctrl-C, and exits with 0', async () => {
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317') });
    const processIds = processIdsIn(await launched.printed('listening'));
    expect(processIds).toHaveLength(2);
    expect(processIds.map(isAlive)).toEqual([true, true]);
    launched.signal('SIGINT');
    // npm forwards the signal that the terminal has already sent.
    launched.signal('SIGINT');
    expect(await launched.ended).toBe(0);
    await expect.poll(() => processIds.map(isAlive)).toEqual([false, false]);
  });

  it('stops them on Ctrl-C while they start', async () => {
    const start = `console.log('pids ' + process.pid + ' ' + process.ppid + '.'); setInterval(() => {}, 1000);`;
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317', start) });
    const [pid = 0] = processIdsIn(await launched.printed('pids'));
    launched.signal('SIGINT');
    expect(await launched.ended).toBe(0);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('exits at once on a second Ctrl-C, and leaves no process behind', async () => {
    const stubborn = `process.on('SIGTERM', () => console.log('not yet'));
      console.log('pids ' + process.pid + ' ' + process.ppid + '.'); setInterval(() => {}, 1000);`;
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317', stubborn) });
    const [pid = 0] = processIdsIn(await launched.printed('pids'));
    launched.signal('SIGINT');
    await launched.printed('not yet');
    const again = setInterval(() => launched.signal('SIGINT'), 100);
    onTestFinished(() => clearInterval(again));
    expect(await launched.ended).toBe(1);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('reports the failure and a remedy if they exit before they are ready', async () => {
    const start = `console.error('The extension bundle cannot be loaded.'); process.exit(3);`;
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317', start) });
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain('The extension bundle cannot be loaded.');
    expect(launched.output()).toContain('func start exited with code 3 before it was ready');
    expect(launched.output()).toContain('--host local');
  });

  it.each([
    [`{ state: 'Error', errors: ['Storage is out of reach'] }`, 'Storage is out of reach'],
    [`request.url.endsWith('/status') ? { state: 'Running' } : []`, 'func start loaded no functions'],
  ])('reports that their host is not ready if it answers %s', async (answer, problem) => {
    const start = `require('node:http').createServer((request, response) => response.end(JSON.stringify(${answer})))
      .listen(Number(process.argv[4]), '127.0.0.1');`;
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317', start) });
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(problem);
    expect(launched.output()).toContain('--host local');
  });

  it('exits when they exit later', async () => {
    const start = `${(await import('./support/fake-core-tools.js')).healthyStart}
      process.stdin.on('end', () => {}); process.once('SIGUSR2', () => process.exit(5));`;
    const launched = launchApp(['--port', '0'], { ...ownStorage, PATH: await makeCoreTools('4.0.7317', start) });
    const [pid = 0, worker = 0] = processIdsIn(await launched.printed('listening'));
    process.kill(pid, 'SIGUSR2');
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain('The Functions host exited with code 5');
    await expect.poll(() => isAlive(worker)).toBe(false);
  });

  it('falls back to the local Functions host if they are too old, and says so', async () => {
    const app = await makeApp('');
    const environment = { PATH: await makeCoreTools('3.0.5682') };
    let output = '';
    const printed = new Writable({
      write(chunk: Buffer, _encoding, done) {
        output += chunk.toString();
        done();
      },
    });
    const shutdown = new Shutdown();
    onTestFinished(() => shutdown.close());
    // Uses another package folder to move the stored state, because `--data` would select the local host.
    const launched = await launch(parseLaunchOptions(['--port', '0', '--app', app, '--model', 'azure']), {
      packageFolder: await makeFolder(),
      environment,
      printer: createPrinter(printed, printed, false),
      shutdown,
    });
    expect(launched.port).toBeGreaterThan(0);
    await expect.poll(() => output).toContain('state     .local-host/ (empty)');
    expect(output).toContain('the local Functions host of this package: func on PATH');
    expect(output).toContain('3.0.5682');
    const asked = launchApp(['--port', '0', '--app', app, '--host', 'func'], environment);
    expect(await asked.ended).toBe(1);
    expect(asked.output()).toContain('To continue without them, use --host local');
  });
});

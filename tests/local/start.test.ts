import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseLaunchOptions } from '../../local/launch-options.js';
import { launch } from '../../local/launch.js';
import { findFreePort } from '../../local/loopback-port.js';
import { createPrinter } from '../../local/printer.js';
import { Shutdown } from '../../local/shutdown.js';
import { makeCoreTools } from './support/fake-core-tools.js';
import { makeApp, makeFolder } from './support/folders.js';
import { launchApp } from './support/launched.js';

const ownStorage = { AzureWebJobsStorage: 'DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=eA==' };
const settingsApp = `
  console.log('settings ' + JSON.stringify([process.env.FROM_FILE, process.env.BOTH, process.env.AZURE_OPENAI_ENDPOINT]));
`;

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

describe('npm start', () => {
  it('explains its options', async () => {
    const launched = launchApp(['--help']);
    expect(await launched.ended).toBe(0);
    const withValue = ['--port', '--host func|local', '--model azure|offline', '--app FOLDER', '--data FOLDER'];
    for (const option of [...withValue, '--keys', '--ephemeral', '--help']) {
      expect(launched.output()).toContain(option);
    }
  });

  it('rejects invalid options, all at once and without a stack', async () => {
    const launched = launchApp(['--port', 'x', '--model', 'y']);
    expect(await launched.ended).toBe(2);
    expect(launched.output()).toContain('--port must be');
    expect(launched.output()).toContain('--model must be');
    expect(launched.output()).not.toMatch(/^\s+at /m);
  });

  it('reports a port in use, and the option for another one', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const launched = launchApp(['--host', 'local', '--ephemeral', '--app', await makeApp(''), '--port', String(port)]);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(`Port ${port} is in use`);
    expect(launched.output()).toContain('--port');
    expect(launched.output()).not.toMatch(/^\s+at /m);
  });

  it('rejects a folder without a function app', async () => {
    const folder = await makeFolder();
    const launched = launchApp(['--app', folder]);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toBe(`${folder} contains no function app: host.json and package.json missing.\n`);
  });

  it('shows the settings error of the app without a stack', async () => {
    const main = `const error = new Error('A is missing\\nB must be a number'); error.name = 'SettingsError'; throw error;`;
    const launched = launchApp(['--host', 'local', '--ephemeral', '--app', await makeApp(main), '--port', '0']);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain('A is missing\nB must be a number\n');
    expect(launched.output()).not.toMatch(/^\s+at /m);
  });

  it('shows any other error of the app in full', async () => {
    const launched = launchApp([
      '--host',
      'local',
      '--ephemeral',
      '--app',
      await makeApp(`null.property;`),
      '--port',
      '0',
    ]);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toMatch(/TypeError: Cannot read properties of null/);
    expect(launched.output()).toMatch(/^\s+at .*main\.js:1/m);
  });

  it('prints no color codes unless it writes to a terminal', async () => {
    const launched = launchApp(['--host', 'local', '--ephemeral', '--app', await makeApp(''), '--port', '0']);
    // Searches for text because oxlint rejects the escape character in a regular expression.
    expect(await launched.printed('listening')).not.toContain('\u001B[');
  });
});

describe('npm start with the settings of an app', () => {
  it('gives the app local.settings.json, unless the environment overrides it', async () => {
    const app = await makeApp(settingsApp, {
      'local.settings.json': JSON.stringify({
        Values: { FROM_FILE: 'file', BOTH: 'file', AZURE_OPENAI_ENDPOINT: 'https://mine.example' },
      }),
    });
    const launched = launchApp(['--host', 'local', '--ephemeral', '--app', app, '--port', '0'], {
      BOTH: 'environment',
    });
    const output = await launched.printed('listening');
    expect(output).toContain('settings ["file","environment","https://mine.example"]');
    expect(output).not.toContain('canned');
  });

  it('starts the offline model if there is no endpoint, and says so', async () => {
    const app = await makeApp(settingsApp, {
      'local.settings.json': JSON.stringify({ Values: { AZURE_OPENAI_ENDPOINT: '' } }),
    });
    const launched = launchApp(['--host', 'local', '--ephemeral', '--app', app, '--port', '0']);
    const output = await launched.printed('listening');
    expect(output).toMatch(/settings \[null,null,"http:\/\/127\.0\.0\.1:\d+"\]/);
    expect(output).toContain('Answers are canned');
    expect(output).toContain('AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_CHAT_DEPLOYMENT_NAME');
  });

  it.each([
    [{ AZURE_OPENAI_API_KEY: 'key' }, 'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not'],
    [
      { AZURE_OPEN_AI_ENDPOINT: 'https://mine.example' },
      'AZURE_OPEN_AI_ENDPOINT is. Did you mean AZURE_OPENAI_ENDPOINT?',
    ],
  ])('does not start the offline model if the settings suggest another one: %j', async (settings, problem) => {
    const commandLine = ['--host', 'local', '--ephemeral', '--app', await makeApp(''), '--port', '0'];
    const launched = launchApp(commandLine, settings);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(problem);
    expect(launched.output()).toContain('npm start -- --model offline');
    await launchApp([...commandLine, '--model', 'offline'], settings).printed('listening');
  });

  it('starts the offline model instead of an endpoint with --model offline, and none with --model azure', async () => {
    const app = await makeApp(settingsApp);
    const endpoint = { AZURE_OPENAI_ENDPOINT: 'https://mine.example' };
    const offline = launchApp(
      ['--host', 'local', '--ephemeral', '--app', app, '--port', '0', '--model', 'offline'],
      endpoint,
    );
    expect(await offline.printed('listening')).toMatch(/settings \[null,null,"http:\/\/127\.0\.0\.1:\d+"\]/);
    const azure = launchApp(['--host', 'local', '--ephemeral', '--app', app, '--port', '0', '--model', 'azure']);
    expect(await azure.printed('listening')).toContain('settings [null,null,null]');
  });

  it('listens on the port in local.settings.json, unless --port overrides it', async () => {
    const port = await findFreePort(0);
    const app = await makeApp('', { 'local.settings.json': JSON.stringify({ Host: { LocalHttpPort: port } }) });
    const fromFile = launchApp(['--host', 'local', '--ephemeral', '--app', app]);
    await fromFile.printed(`listening http://localhost:${port}\n`);
    const fromOption = launchApp(['--host', 'local', '--ephemeral', '--app', app, '--port', '0']);
    expect(await fromOption.printed('listening')).not.toContain(`localhost:${port}\n`);
  });

  it('rejects a malformed local.settings.json', async () => {
    const launched = launchApp(['--app', await makeApp('', { 'local.settings.json': '{' })]);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toMatch(/local\.settings\.json is not valid JSON/);
  });
});

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
    // The state is stored in another package's folder here, because an option for that would imply the local host.
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

describe('npm start with the app of this package', () => {
  it('reports all invalid settings in one error', async () => {
    const launched = launchApp(['--host', 'local', '--ephemeral', '--port', '0', '--model', 'azure'], {
      CALLBACK_STORE_MAX_BYTES: 'much',
    });
    expect(await launched.ended).toBe(1);
    for (const name of ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', 'CALLBACK_STORE_MAX_BYTES']) {
      expect(launched.output()).toContain(name);
    }
    expect(launched.output()).not.toMatch(/^\s+at /m);
  });

  it.each([
    { where: 'memory, here', environment: {}, isTold: true, isWarned: false },
    { where: 'memory, in Azure', environment: { WEBSITE_INSTANCE_ID: 'instance' }, isTold: true, isWarned: true },
    {
      where: 'a table, in Azure',
      environment: { WEBSITE_INSTANCE_ID: 'instance', ...ownStorage, CALLBACK_STORE: 'table' },
      isTold: false,
      isWarned: false,
    },
  ])(
    'says what one process covers with $where: $isTold; warns: $isWarned',
    async ({ environment, isTold, isWarned }) => {
      const commandLine = ['--host', 'local', '--ephemeral', '--port', '0', '--model', 'offline'];
      const output = await launchApp(commandLine, environment).printed('listening');
      expect({
        isTold: output.includes('the list of threads and AGENT_THREAD_TTL_DAYS cover this process only'),
        isWarned: output.includes('Other instances do not have them'),
      }).toEqual({ isTold, isWarned });
    },
  );

  it.each([[[]], [['--keys']]])('prints requests that work when pasted, with the options %j', async (options) => {
    const launched = launchApp(['--host', 'local', '--ephemeral', '--port', '0', '--model', 'offline', ...options]);
    const commands = (await launched.printed('Ctrl-C stops')).split('\n').filter((line) => line.startsWith('  curl '));
    const [run, read] = commands.map(requestOf);
    const answer = await run?.send();
    expect(answer?.status).toBe(200);
    expect(await answer?.json()).toMatchObject({ status: 'success', thread_id: 'first-thread', message_count: 2 });
    const events: unknown = await (await read?.send())?.json();
    expect(events).toContainEqual(expect.objectContaining({ event_type: 'final', thread_id: 'first-thread' }));

    const withoutKey = await fetch(read?.url ?? '');
    expect(withoutKey.status).toBe(options.length === 0 ? 200 : 401);

    launched.signal('SIGINT');
    expect(await launched.ended).toBe(0);
  });
});

describe('npm start, for a new user', () => {
  const commandLine = ['--host', 'local', '--port', '0', '--model', 'offline'];

  it('redirects the root of the app to the dashboard, and prints its address', async () => {
    const output = await launchApp([...commandLine, '--ephemeral']).printed('Ctrl-C stops');
    const [, base = ''] = /^listening (\S+)$/m.exec(output) ?? [];
    expect(output).toContain(`Dashboard  ${base}/api/dashboard\n`);
    const root = await (await fetch(base)).text();
    const [, link = ''] = /href="([^"]+)"/.exec(root) ?? [];
    expect((await fetch(new URL(link, base))).status).toBe(200);
  });

  it('keeps the keys from one start to the next', async () => {
    const keys: string[] = [];
    const data = await makeFolder();
    for (let start = 1; start <= 2; start += 1) {
      const launched = launchApp([...commandLine, '--keys', '--data', data]);
      const [printed = ''] =
        /^ {2}function .*\n {2}master .*\n {2}system .*$/m.exec(await launched.printed('Ctrl-C stops')) ?? [];
      keys.push(printed);
      launched.signal('SIGINT');
      expect(await launched.ended).toBe(0);
    }
    expect(keys[0]).toMatch(/function {2}\S{20}/);
    expect(keys[1]).toBe(keys[0]);
  });

  it('answers a run even if the environment sets a dead proxy', async () => {
    const proxy = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
    const output = await launchApp([...commandLine, '--ephemeral'], proxy).printed('Ctrl-C stops');
    const [run] = output.split('\n').filter((line) => line.startsWith('  curl '));
    expect((await requestOf(run ?? '').send()).status).toBe(200);
  });
});

/** The request that a printed curl command sends. */
function requestOf(command: string): { url: string; send(): Promise<Response> } {
  const url = /http:\S+/.exec(command)?.[0] ?? '';
  const headers = [...command.matchAll(/-H '(.+?): (.+?)'/g)].map(([, name = '', value = '']): [string, string] => [
    name,
    value,
  ]);
  const body = /-d '(.*)'/.exec(command)?.[1];
  return { url, send: () => fetch(url, { method: body === undefined ? 'GET' : 'POST', headers, body: body ?? null }) };
}

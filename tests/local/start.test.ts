import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findFreePort } from '../../local/loopback-port.js';
import { makeApp, makeFolder } from './support/folders.js';
import { launchApp } from './support/launched.js';

const settingsApp = `
  console.log('settings ' + JSON.stringify([process.env.FROM_FILE, process.env.BOTH, process.env.AZURE_OPENAI_ENDPOINT]));
`;

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

  it.each([
    ['https://user:hush@mine.example/openai/v1/?key=hush#hush', 'https://mine.example/openai/v1'],
    ['hush', 'the server of AZURE_OPENAI_ENDPOINT'],
    ['hush://hush', 'the server of AZURE_OPENAI_ENDPOINT'],
  ])('prints the address of an endpoint without what may be a secret: %s', async (endpoint, shown) => {
    const commandLine = ['--host', 'local', '--ephemeral', '--app', await makeApp(''), '--port', '0'];
    const output = await launchApp(commandLine, { AZURE_OPENAI_ENDPOINT: endpoint }).printed('listening');
    expect(output).toMatch(new RegExp(`^model +${shown}$`, 'm'));
    expect(output).not.toContain('hush');
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

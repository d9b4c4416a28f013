import { describe, expect, it } from 'vitest';
import { makeFolder } from './support/folders.js';
import { launchApp } from './support/launched.js';

const ownStorage = { AzureWebJobsStorage: 'DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=eA==' };

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

import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from './folders.js';

/**
 * A program for the fake `func start`: serves the admin API of a host that has loaded one agent, starts a child in place
 * of a worker, and prints both process ids and the settings it received.
 */
export const healthyStart = `
  const { spawn } = require('node:child_process');
  const worker = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  console.log('pids ' + process.pid + ' ' + worker.pid + '.');
  console.log('settings ' + JSON.stringify({
    endpoint: process.env.AZURE_OPENAI_ENDPOINT,
    taskHub: process.env.AzureFunctionsJobHost__extensions__durableTask__hubName,
    runtime: process.env.FUNCTIONS_WORKER_RUNTIME,
    fromFile: process.env.FROM_FILE,
  }));
  const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
  const answers = {
    '/admin/host/status': { id: 'fake', state: 'Running' },
    '/admin/functions': [
      {
        name: 'http-CallbackAgent',
        invoke_url_template: 'http://localhost:' + port + '/api/agents/CallbackAgent/run',
        config: { bindings: [{ type: 'httpTrigger', methods: ['post'] }, { type: 'http', direction: 'out' }] },
      },
      { name: 'dafx-CallbackAgent', config: { bindings: [{ type: 'entityTrigger' }] } },
    ],
  };
  require('node:http').createServer((request, response) => response.end(JSON.stringify(answers[request.url])))
    .listen(port, '127.0.0.1');
`;

/** Creates a folder with a `func` of the given version. `start` is the program that it runs for `func start`. */
export async function makeCoreTools(version: string, start: string = healthyStart): Promise<string> {
  const folder = await makeFolder({
    func: [
      `#!${process.execPath}`,
      `if (process.argv[2] === '--version') console.log(${JSON.stringify(version)});`,
      `else { ${start} }`,
    ].join('\n'),
  });
  await chmod(path.join(folder, 'func'), 0o755);
  return folder;
}

import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { LaunchError } from './launch-error.js';
import { probeHttp } from './probe-http.js';
import { startProgram, type RunningProgram } from './running-program.js';
import type { ServedApp, ServedFunction } from './served-app.js';

const lookEveryMs = 250;

// https://learn.microsoft.com/azure/azure-functions/functions-develop-local and the host's admin API.
const statusSchema = z.object({ state: z.string(), errors: z.array(z.string()).nullish() });
const functionsSchema = z.array(
  z.object({
    name: z.string(),
    invoke_url_template: z.string().nullish(),
    config: z.object({
      bindings: z.array(z.object({ type: z.string(), methods: z.array(z.string()).nullish() })).optional(),
    }),
  }),
);

export interface CoreToolsHostOptions {
  /** Full path of `func`. */
  readonly command: string;
  readonly appFolder: string;
  readonly port: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
  /** Called as soon as the process exists. */
  readonly onStarted: (program: RunningProgram) => void;
}

/**
 * Starts `func start`. Returns when the host reports that it is running and has loaded functions.
 *
 * @throws LaunchError if the host exits, reports an error, or loads no functions
 */
export async function startCoreToolsHost(options: CoreToolsHostOptions): Promise<ServedApp> {
  const { port } = options;
  const program = startProgram({
    command: options.command,
    commandArguments: ['start', '--port', String(port)],
    folder: options.appFolder,
    environment: options.environment,
    onLine: options.onLine,
  });
  options.onStarted(program);

  while (!(await isRunning(port))) {
    const end = program.howEnded();
    if (end !== undefined) throw startFailed(`func start ${end} before it was ready`);
    await wait(lookEveryMs);
  }
  const functions = await listFunctions(port);
  if (functions.length === 0) throw startFailed('func start loaded no functions');
  return { port, functions, keys: undefined, ended: program.ended };
}

async function isRunning(port: number): Promise<boolean> {
  const answer = await probeHttp(`http://127.0.0.1:${port}/admin/host/status`);
  if (answer?.status !== 200) return false;
  const { state, errors } = statusSchema.parse(JSON.parse(answer.body));
  if (state === 'Error') throw startFailed(['The Functions host reports an error', ...(errors ?? [])].join('\n'));
  return state === 'Running';
}

async function listFunctions(port: number): Promise<ServedFunction[]> {
  const answer = await probeHttp(`http://127.0.0.1:${port}/admin/functions`);
  if (answer?.status !== 200) throw startFailed(`The Functions host does not list its functions (${answer?.status})`);
  return functionsSchema.parse(JSON.parse(answer.body)).map(({ name, invoke_url_template, config }) => {
    const trigger = config.bindings?.find((binding) => /trigger$/i.test(binding.type));
    if (trigger === undefined) return { name, kind: 'unknown', detail: '' };
    if (!/^httpTrigger$/i.test(trigger.type)) return { name, kind: trigger.type.replace(/trigger$/i, ''), detail: '' };
    const methods = (trigger.methods ?? []).map((method) => method.toUpperCase());
    return { name, kind: 'http', detail: `${methods.join(',')} ${pathOf(invoke_url_template ?? '')}`.trim() };
  });
}

/** Returns the path of a URL template. `URL` would escape the `{…}` in it. */
function pathOf(urlTemplate: string): string {
  return urlTemplate.replace(/^https?:\/\/[^/]*/, '');
}

function startFailed(what: string): LaunchError {
  return new LaunchError(
    `${what}. Its output is above.\n` +
      'To continue without Core Tools: npm start -- --host local (the local Functions host of this package).',
  );
}

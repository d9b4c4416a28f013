import { parseCommandLine, refuseProblems } from './command-line.js';

const hostKinds = ['func', 'local'] as const;
const modelKinds = ['azure', 'offline'] as const;

export type HostKind = (typeof hostKinds)[number];
export type ModelKind = (typeof modelKinds)[number];

/** What the command line of `npm start` asks for. */
export interface LaunchOptions {
  readonly help: boolean;
  /** 0 takes a free port. Undefined: `Host.LocalHttpPort` of local.settings.json, else 7071. */
  readonly port: number | undefined;
  /** Undefined: Core Tools when a usable one is on PATH, else the local Functions host. */
  readonly host: HostKind | undefined;
  /** Undefined: the offline model when no Azure OpenAI endpoint is set. */
  readonly model: ModelKind | undefined;
  /** Whether HTTP functions ask for their keys. Only the local Functions host can do it. */
  readonly keys: boolean;
  /** Folder of the built function app to serve, as typed. Undefined: this package. */
  readonly app: string | undefined;
  /** Whether the local Functions host keeps nothing beyond its end. */
  readonly ephemeral: boolean;
  /** Folder in which the local Functions host keeps its state, as typed. Undefined: `.local-host` of this package. */
  readonly data: string | undefined;
}

export const helpText = `Usage: npm start -- [options]

  --port NUMBER          port to listen on (default 7071; 0 takes a free one)
  --host func|local      Azure Functions Core Tools, or the local Functions host of this
                         package (default: Core Tools when version 4 or later is on PATH)
  --model azure|offline  the Azure OpenAI endpoint of your settings, or a model that runs
                         here and gives canned answers (default: azure when an endpoint is set)
  --keys                 ask for function keys, and print them; they stay the same at the next
                         start, except with --ephemeral (local Functions host only)
  --app FOLDER           serve another built function app
  --data FOLDER          where conversations, and runs that have not ended, are kept when the
                         host ends or dies (default .local-host; local Functions host only)
  --ephemeral            keep nothing (local Functions host only)
  --help                 show this

Settings are read from the environment, then from local.settings.json.
Ctrl-C ends everything that was started.`;

const optionTypes = {
  port: { type: 'string' },
  host: { type: 'string' },
  model: { type: 'string' },
  keys: { type: 'boolean' },
  app: { type: 'string' },
  data: { type: 'string' },
  ephemeral: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Options that only the local Functions host understands. */
const localHostOptions = ['keys', 'data', 'ephemeral'] as const;

/** Returns the option that asks for the local Functions host, as typed; undefined when none does. */
export function localHostReason({ host, keys, data, ephemeral }: LaunchOptions): string | undefined {
  if (host === 'local') return '--host local';
  if (keys) return '--keys';
  if (data !== undefined) return '--data';
  return ephemeral ? '--ephemeral' : undefined;
}

/**
 * Reads a command line without the program's name.
 *
 * @throws LaunchError that names every option that is wrong.
 */
export function parseLaunchOptions(commandLine: readonly string[]): LaunchOptions {
  const { given, problems } = parseCommandLine(commandLine, optionTypes);
  const options: LaunchOptions = {
    help: given.has('help'),
    port: readPort(given.get('port'), problems),
    host: readChoice('--host', given.get('host'), hostKinds, problems),
    model: readChoice('--model', given.get('model'), modelKinds, problems),
    keys: given.has('keys'),
    app: given.get('app'),
    ephemeral: given.has('ephemeral'),
    data: given.get('data'),
  };
  if (options.host === 'func') {
    const others = localHostOptions.filter((name) => given.has(name));
    problems.push(...others.map((name) => `--${name} works with --host local only`));
  }
  if (options.ephemeral && options.data !== undefined) problems.push('--data has no use beside --ephemeral');
  refuseProblems(problems, 'npm start');
  return options;
}

function readPort(text: string | undefined, problems: string[]): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  problems.push(`--port must be a whole number from 0 to 65535, not ${text}`);
  return undefined;
}

function readChoice<Choice extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Choice[],
  problems: string[],
): Choice | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) problems.push(`${name} must be ${choices.join(' or ')}, not ${text}`);
  return choice;
}

import { parseCommandLine, refuseProblems } from './command-line.js';

const hostKinds = ['func', 'local'] as const;
const modelKinds = ['azure', 'offline'] as const;

export type HostKind = (typeof hostKinds)[number];
export type ModelKind = (typeof modelKinds)[number];

/** The options of `npm start`. */
export interface LaunchOptions {
  readonly help: boolean;
  /** 0 selects a free port. @default `Host.LocalHttpPort` of local.settings.json, or 7071 */
  readonly port: number | undefined;
  /** @default Core Tools if a usable version is on PATH, otherwise the local Functions host */
  readonly host: HostKind | undefined;
  /** @default the offline model if no Azure OpenAI endpoint is set */
  readonly model: ModelKind | undefined;
  /** Whether HTTP functions require keys. Local Functions host only. */
  readonly keys: boolean;
  /** Folder of the built function app to serve, as typed. @default this package */
  readonly app: string | undefined;
  /** Whether the local Functions host stores nothing. */
  readonly ephemeral: boolean;
  /** Folder in which the local Functions host stores its state, as typed. @default `.local-host` in this package */
  readonly data: string | undefined;
}

export const helpText = `Usage: npm start -- [options]

  --port NUMBER          port to listen on (default 7071; 0 selects a free one)
  --host func|local      Azure Functions Core Tools, or the local Functions host of this
                         package (default: Core Tools when version 4 or later is on PATH)
  --model azure|offline  the Azure OpenAI endpoint of your settings, or a model that runs
                         here and gives canned answers (default: azure when an endpoint is set)
  --keys                 require function keys and print them; they stay the same between
                           starts, except with --ephemeral (local Functions host only)
  --app FOLDER           serve another built function app
  --data FOLDER          where to store conversations and unfinished runs between starts
                           (default .local-host; local Functions host only)
  --ephemeral            store nothing (local Functions host only)
  --help                 show this

Settings come from the environment, then from local.settings.json.
Ctrl-C stops everything that was started.`;

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

/** Options that only the local Functions host supports. */
const localHostOptions = ['keys', 'data', 'ephemeral'] as const;

/** Returns the option, as typed, that selects the local Functions host, or undefined. */
export function localHostReason({ host, keys, data, ephemeral }: LaunchOptions): string | undefined {
  if (host === 'local') return '--host local';
  if (keys) return '--keys';
  if (data !== undefined) return '--data';
  return ephemeral ? '--ephemeral' : undefined;
}

/**
 * Parses a command line without the program name.
 *
 * @throws LaunchError listing all invalid options
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
    problems.push(...others.map((name) => `--${name} requires --host local`));
  }
  if (options.ephemeral && options.data !== undefined) problems.push('--data and --ephemeral exclude each other');
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

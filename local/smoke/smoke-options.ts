import { parseCommandLine, refuseProblems } from '../command-line.js';

/** The options of `npm run smoke`. */
export type SmokeOptions =
  | { readonly help: true }
  | {
      readonly help: false;
      /** Address of the app, without `/api`. */
      readonly base: string;
      /** Function key to send, if any. */
      readonly key: string | undefined;
      readonly agentName: string;
    };

export const smokeHelpText = `Usage: npm run smoke -- URL [KEY] [options]

Checks a running app, on this machine or in Azure: health, a run, its stream, its events, and a run that is cancelled.
It deletes its thread at the end.

  URL           address of the app
  KEY           function key (default: the environment variable FUNCTION_KEY)
  --agent NAME  agent to ask (default CallbackAgent)
  --help        show this`;

const optionTypes = { agent: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

/**
 * Parses a command line without the program name.
 *
 * @throws LaunchError listing all problems
 */
export function parseSmokeOptions(
  commandLine: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): SmokeOptions {
  const { given, positionals, problems } = parseCommandLine(commandLine, optionTypes, 2);
  if (given.has('help') && problems.length === 0) return { help: true };
  const [url = '', key = environment['FUNCTION_KEY'] || undefined] = positionals;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    problems.push('URL must be the http or https address of the app');
  }
  if (key !== undefined && !/^[\x21-\x7E]+$/.test(key)) problems.push('KEY must be a function key');
  refuseProblems(problems, 'npm run smoke');
  const { origin, pathname } = new URL(url);
  const base = origin + pathname.replace(/(\/api)?\/*$/, '');
  return { help: false, base, key, agentName: given.get('agent') ?? 'CallbackAgent' };
}

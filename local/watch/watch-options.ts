import { parseCommandLine, refuseProblems } from '../command-line.js';
import type { ThreadAddress } from './thread-address.js';

/** The options of `npm run watch:thread`. */
export type WatchOptions =
  | { readonly help: true }
  | ({
      readonly help: false;
      /** Whether to cancel the thread's run instead of following it. */
      readonly cancel: boolean;
    } & ThreadAddress);

export const watchHelpText = `Usage: npm run watch:thread -- THREAD_ID [options]

Shows the answers of a thread live, from its oldest stored message.

  --agent NAME  the agent of the thread (default CallbackAgent)
  --base URL    address of the app (default http://localhost:7071)
  --key KEY     the function key, if the app requires one
  --cancel      cancel the run of the thread, instead of showing it
  --help        show this

Ctrl-C stops following. It cancels nothing.`;

const optionTypes = {
  agent: { type: 'string' },
  base: { type: 'string' },
  key: { type: 'string' },
  cancel: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Parses a command line without the program name.
 *
 * @throws LaunchError listing all problems
 */
export function parseWatchOptions(commandLine: readonly string[]): WatchOptions {
  const { given, positionals, problems } = parseCommandLine(commandLine, optionTypes, 1);
  if (given.has('help') && problems.length === 0) return { help: true };
  const [threadId = ''] = positionals;
  if (threadId === '') problems.push('THREAD_ID is missing: the thread_id of the run request or its response');
  // In a URL these two would change the path.
  else if (/^\.{1,2}$/.test(threadId)) problems.push(`${threadId} is not a thread id`);
  const base = readBase(given.get('base') ?? 'http://localhost:7071', problems);
  const key = given.get('key');
  if (key !== undefined && !/^[\x21-\x7E]+$/.test(key)) problems.push('--key must be a function key');
  refuseProblems(problems, 'npm run watch:thread');
  const agentName = given.get('agent') ?? 'CallbackAgent';
  return { help: false, cancel: given.has('cancel'), base, agentName, threadId, key };
}

function readBase(text: string, problems: string[]): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    problems.push(`--base must be an http or https address, not ${text}`);
    return text;
  }
  const { search, hash, username, password, origin, pathname } = new URL(text);
  if (search + hash + username + password !== '') {
    problems.push('--base must be only an address; pass a function key with --key');
  }
  return origin + pathname.replace(/(\/api)?\/*$/, '');
}

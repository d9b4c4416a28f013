import { parseCommandLine, refuseProblems } from '../command-line.js';
import type { ThreadAddress } from './thread-address.js';

/** What the command line of `npm run watch:thread` asks for. */
export type WatchOptions =
  | { readonly help: true }
  | ({
      readonly help: false;
      /** Whether to cancel the thread's run instead of following it. */
      readonly cancel: boolean;
    } & ThreadAddress);

export const watchHelpText = `Usage: npm run watch:thread -- THREAD_ID [options]

Shows the answers of a thread as they are made, from its first kept message on.

  --agent NAME  the agent of the thread (default CallbackAgent)
  --base URL    where the app is (default http://localhost:7071)
  --key KEY     the function key, where the app asks for one
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
 * Reads a command line without the program's name.
 *
 * @throws LaunchError that names everything that is wrong.
 */
export function parseWatchOptions(commandLine: readonly string[]): WatchOptions {
  const { given, positionals, problems } = parseCommandLine(commandLine, optionTypes, 1);
  if (given.has('help') && problems.length === 0) return { help: true };
  const [threadId = ''] = positionals;
  if (threadId === '') problems.push('THREAD_ID is missing: the thread_id of the run request or its answer');
  // In a URL these two would name another address.
  else if (/^\.{1,2}$/.test(threadId)) problems.push(`${threadId} is no thread id`);
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
    problems.push('--base must be an address alone; a function key is given with --key');
  }
  return origin + pathname.replace(/(\/api)?\/*$/, '');
}

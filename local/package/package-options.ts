import { parseCommandLine, refuseProblems } from '../command-line.js';
import type { DurableBackend } from './host-json.js';

/** What the command line of `npm run package` asks for. */
export interface PackageOptions {
  /** Folder that gets the zip. `undefined`: the project's. */
  readonly zipFolder: string | undefined;
  /** Folder that gets the files themselves instead of a zip. What it held before is deleted. */
  readonly folder: string | undefined;
  readonly durableBackend: DurableBackend;
}

const optionTypes = { folder: { type: 'string' }, 'durable-backend': { type: 'string' } } as const;

/**
 * Reads a command line without the program's name.
 *
 * @throws LaunchError that names everything that is wrong
 */
export function parsePackageOptions(commandLine: readonly string[]): PackageOptions {
  const { given, positionals, problems } = parseCommandLine(commandLine, optionTypes, 1);
  const durableBackend = given.get('durable-backend') ?? 'storage';
  const [zipFolder] = positionals;
  const folder = given.get('folder');
  if (durableBackend !== 'storage' && durableBackend !== 'scheduler') {
    problems.push(`--durable-backend must be storage or scheduler, not ${durableBackend}`);
  }
  if (zipFolder !== undefined && folder !== undefined) problems.push(`${zipFolder}: --folder writes no zip`);
  refuseProblems(problems, 'npm run package');
  return { zipFolder, folder, durableBackend: durableBackend === 'scheduler' ? 'scheduler' : 'storage' };
}

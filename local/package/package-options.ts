import { parseCommandLine, refuseProblems } from '../command-line.js';
import type { DurableBackend } from './host-json.js';

/** The options of `npm run package`. */
export interface PackageOptions {
  /** Folder for the zip. Created if it does not exist. @default the project folder */
  readonly zipFolder: string | undefined;
  /** Folder for the unpacked files instead of a zip. Its previous content is deleted. */
  readonly folder: string | undefined;
  readonly durableBackend: DurableBackend;
}

const optionTypes = { folder: { type: 'string' }, 'durable-backend': { type: 'string' } } as const;

/**
 * Parses a command line without the program name.
 *
 * @throws LaunchError listing all problems
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

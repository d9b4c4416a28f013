import path from 'node:path';
import {
  FolderInUseError,
  JournalFolderError,
  JournalUnreadableError,
  type LocalFunctionsHost,
} from './functions-host/index.js';
import { LaunchError } from './launch-error.js';

/** Where the local Functions host keeps its state, for the person who starts it. */
export interface StateFolder {
  readonly path: string;
  /** Paths are shown as seen from here, where they are within it. */
  readonly packageFolder: string;
}

/** What was found there: `.local-host/ (3 conversations, 1 run delivered again)`. */
export function describeKeptState(
  folder: StateFolder,
  { found, functions }: Pick<LocalFunctionsHost, 'found' | 'functions'>,
): string {
  const { entityCount, operationCount } = found ?? { entityCount: 0, operationCount: 0 };
  const hasAgents = functions.some(({ kind, name }) => kind === 'entity' && name.startsWith('dafx-'));
  const [state, states, operation, operations] = hasAgents
    ? ['conversation', 'conversations', 'run', 'runs']
    : ['entity', 'entities', 'operation', 'operations'];
  const parts = [
    entityCount > 0 ? `${entityCount} ${entityCount === 1 ? state : states}` : 'nothing yet',
    ...(operationCount > 0
      ? [`${operationCount} ${operationCount === 1 ? operation : operations} delivered again`]
      : []),
  ];
  return `${showPath(folder, folder.path)}/ (${parts.join(', ')})`;
}

/** Turns an error of the journal into one that names the way on; other errors are returned as they are. */
export function explainJournalError(folder: StateFolder, error: unknown): unknown {
  if (error instanceof FolderInUseError) {
    return new LaunchError(
      `Another local Functions host (process ${error.processId}) keeps its state in ${showPath(folder, error.folder)}/.\n` +
        'End it, or start this one with --ephemeral, which keeps nothing, or with --data FOLDER.',
      { cause: error },
    );
  }
  if (error instanceof JournalFolderError) {
    return new LaunchError(
      `No state can be kept in ${showPath(folder, error.folder)}: ${error.reason}\n` +
        'Name another place with --data FOLDER, or start with --ephemeral, which keeps nothing.',
      { cause: error },
    );
  }
  if (error instanceof JournalUnreadableError) {
    return new LaunchError(
      `${showPath(folder, error.file)} cannot be read: ${error.reason}\n` +
        'It may hold a conversation, so it was left as it is: repair it or move it away, or start with --ephemeral,\n' +
        'which leaves it alone and keeps nothing.',
      { cause: error },
    );
  }
  return error;
}

function showPath({ packageFolder }: StateFolder, file: string): string {
  const relative = path.relative(packageFolder, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative.replaceAll(path.sep, '/');
}

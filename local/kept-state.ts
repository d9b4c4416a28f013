import path from 'node:path';
import {
  FolderInUseError,
  JournalFolderError,
  JournalUnreadableError,
  type LocalFunctionsHost,
} from './functions-host/index.js';
import { LaunchError } from './launch-error.js';

/** Folder in which the local Functions host stores its state. */
export interface StateFolder {
  readonly path: string;
  /** Paths inside this folder are shown relative to it. */
  readonly packageFolder: string;
}

/** Describes the state found at startup: `.local-host/ (3 conversations, 1 run redelivered)`. */
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
    entityCount > 0 ? `${entityCount} ${entityCount === 1 ? state : states}` : 'empty',
    ...(operationCount > 0 ? [`${operationCount} ${operationCount === 1 ? operation : operations} redelivered`] : []),
  ];
  return `${showPath(folder, folder.path)}/ (${parts.join(', ')})`;
}

/** Converts a journal error into a LaunchError that says what to do. Returns other errors unchanged. */
export function explainJournalError(folder: StateFolder, error: unknown): unknown {
  if (error instanceof FolderInUseError) {
    return new LaunchError(
      `Another local Functions host (process ${error.processId}) is using ${showPath(folder, error.folder)}/.\n` +
        'Stop it, or start this one with --ephemeral (stores nothing) or --data FOLDER.',
      { cause: error },
    );
  }
  if (error instanceof JournalFolderError) {
    return new LaunchError(
      `State cannot be stored in ${showPath(folder, error.folder)}: ${error.reason}\n` +
        'Choose another folder with --data FOLDER, or start with --ephemeral, which stores nothing.',
      { cause: error },
    );
  }
  if (error instanceof JournalUnreadableError) {
    return new LaunchError(
      `${showPath(folder, error.file)} cannot be read: ${error.reason}\n` +
        'It may contain a conversation, so it was not changed. Repair it, move it away, or start with --ephemeral,\n' +
        'which ignores it and stores nothing.',
      { cause: error },
    );
  }
  return error;
}

function showPath({ packageFolder }: StateFolder, file: string): string {
  const relative = path.relative(packageFolder, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative.replaceAll(path.sep, '/');
}

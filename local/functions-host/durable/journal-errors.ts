/** A file of the journal is malformed. It is not changed. */
export class JournalUnreadableError extends Error {
  readonly file: string;
  readonly reason: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file} cannot be read: ${reason}`, options);
    this.name = 'JournalUnreadableError';
    this.file = file;
    this.reason = reason;
  }
}

/** The folder cannot be used for a journal: it cannot be created, read or written. */
export class JournalFolderError extends Error {
  readonly folder: string;
  /** Message of the operating system. */
  readonly reason: string;

  constructor(folder: string, cause: NodeJS.ErrnoException) {
    super(`${folder} cannot be used for a journal: ${cause.message}`, { cause });
    this.name = 'JournalFolderError';
    this.folder = folder;
    this.reason = cause.message;
  }
}

/** Returns whether an error comes from the operating system, so that its message can be shown. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

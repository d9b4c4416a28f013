/** A file of the journal does not hold what it should. It is left as it is. */
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

/** There can be no journal in this folder: it cannot be made, read or written. */
export class JournalFolderError extends Error {
  readonly folder: string;
  /** In the words of the system. */
  readonly reason: string;

  constructor(folder: string, cause: NodeJS.ErrnoException) {
    super(`${folder} cannot hold a journal: ${cause.message}`, { cause });
    this.name = 'JournalFolderError';
    this.folder = folder;
    this.reason = cause.message;
  }
}

import { UnavailableError } from '../functions/unavailable-error.js';

/** The storage service cannot be reached or does not respond in time. The request may have taken effect. */
export class StorageError extends UnavailableError {
  constructor(cause: unknown) {
    super('The storage cannot be reached. Try again in a moment.', { cause });
    this.name = 'StorageError';
  }
}

/** A service is not set up as the store requires. The message says what to do, without key or address. */
export class StoreSetupError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreSetupError';
  }
}

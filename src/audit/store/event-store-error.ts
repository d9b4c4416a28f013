import { UnavailableError } from '../../functions/unavailable-error.js';

/** A store did not do what was asked. It may succeed later, and what was asked may have happened or not. */
export class EventStoreError extends UnavailableError {
  constructor(cause: unknown) {
    super('The event store cannot be reached. Try again in a moment.', { cause });
    this.name = 'EventStoreError';
  }
}

/** The service of a store is not set up as the store needs it. The message says what to do, without key or address. */
export class StoreSetupError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreSetupError';
  }
}

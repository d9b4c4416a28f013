import { HttpError } from '../../functions/http-error.js';

const RETRY_AFTER_SECONDS = 2;

/** The event store did not do what it was asked for, and may do it later: what was asked may have happened or not. */
export class EventStoreError extends HttpError {
  constructor(cause: unknown) {
    super(503, 'The event store cannot be reached. Try again in a moment.', {
      cause,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
    this.name = 'EventStoreError';
  }
}

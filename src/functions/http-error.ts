export interface HttpErrorOptions extends ErrorOptions {
  /** Value of the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

/** A request that cannot be served. `message` becomes the `error` of the response. */
export class HttpError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, options: HttpErrorOptions = {}) {
    super(message, options);
    this.name = 'HttpError';
    this.status = status;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

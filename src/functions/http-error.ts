export interface HttpErrorOptions extends ErrorOptions {
  /** Sent as `Retry-After`: when the same request may succeed. */
  readonly retryAfterSeconds?: number;
}

/** A request that cannot be served, with the HTTP status and the text of its answer. */
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

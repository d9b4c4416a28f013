/** An answer of the app that is not a success. The message is meant for the person at the screen. */
export class ApiError extends Error {
  readonly status: number;
  /** When the app says that the same request may succeed. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  static async from(response: Response): Promise<ApiError> {
    const retryAfterSeconds = Number(response.headers.get('retry-after') ?? NaN);
    return new ApiError(
      response.status,
      errorText(await response.text()) ?? `The app answered with status ${response.status}.`,
      Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : undefined,
    );
  }
}

/** What went wrong, in words. */
export function describeFailure(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  // Browsers reject with a TypeError in words of their own when there is no connection.
  if (error instanceof TypeError) return 'The app can’t be reached.';
  return error instanceof Error ? error.message : String(error);
}

/** The `error` of a JSON answer; `undefined` for the pages that hosts and proxies answer with. */
function errorText(body: string): string | undefined {
  try {
    const answer: { readonly error?: unknown } | null = JSON.parse(body);
    return typeof answer?.error === 'string' ? answer.error : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

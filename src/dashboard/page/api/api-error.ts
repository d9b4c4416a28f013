/** An unsuccessful response. The message is shown to the user. */
export class ApiError extends Error {
  readonly status: number;
  /** When to retry, if the app says so. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same request will fail again. */
  readonly isRefusal: boolean;

  /** @param isFromApp - `false` if a host or proxy responded in place of the app, for example while the app starts */
  constructor(status: number, message: string, retryAfterMs?: number, isFromApp = false) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.isRefusal = [400, 401, 403].includes(status) || (status === 404 && isFromApp);
  }

  static async from(response: Response): Promise<ApiError> {
    const retryAfterSeconds = Number(response.headers.get('retry-after') ?? NaN);
    const message = errorText(await response.text());
    return new ApiError(
      response.status,
      message ?? `The app responded with status ${response.status}.`,
      Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : undefined,
      message !== undefined,
    );
  }
}

/** Returns what went wrong, for the user. */
export function describeFailure(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  // Browsers describe a missing connection and a timeout in their own words.
  if (error instanceof TypeError) return 'The app is unreachable.';
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'The app did not respond in time.';
  return error instanceof Error ? error.message : String(error);
}

/** Returns the `error` of a JSON response; `undefined` for error pages of hosts and proxies. */
function errorText(body: string): string | undefined {
  try {
    const answer: { readonly error?: unknown } | null = JSON.parse(body);
    return typeof answer?.error === 'string' ? answer.error : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

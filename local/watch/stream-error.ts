import { LaunchError } from '../launch-error.js';
import { terminalLine } from './terminal-text.js';
import type { ThreadAddress } from './thread-address.js';

const longestRetryAfterMs = 600_000;

/** A stream could not be opened or broke. A retry may succeed. The message is one sentence. */
export class StreamError extends Error {
  /** Delay that the app requested before a retry, or 0. */
  readonly retryAfterMs: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.name = 'StreamError';
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Converts a response that is not a stream into an error: a {@link StreamError} if a retry may help. */
export async function errorOfAnswer(response: Response, { base, key }: ThreadAddress): Promise<Error> {
  const { status, headers } = response;
  const said = errorIn(await response.text());
  switch (true) {
    case status === 401 || status === 403:
      return new LaunchError(
        key === undefined
          ? `${base} requires a function key. Pass it with --key KEY (npm start -- --keys prints one).`
          : `${base} rejected the function key. Pass the app's key with --key (npm start -- --keys prints it).`,
      );
    case status === 408 || status === 429 || status >= 500: {
      const retryAfterMs = Number(headers.get('retry-after') ?? 0) * 1000;
      return new StreamError(said ?? `The app responded with status ${status}.`, {
        retryAfterMs: retryAfterMs > 0 ? Math.min(retryAfterMs, longestRetryAfterMs) : 0,
      });
    }
    case said !== undefined:
      return new LaunchError(said);
    case status === 404:
      return new LaunchError(`${base} has no event streams. Check that it is this app and a current version.`);
    case status >= 300 && status < 400: {
      const target = terminalLine(headers.get('location') ?? 'another address');
      return new LaunchError(`${base} redirects to ${target}. Pass the address of the app itself with --base.`);
    }
    default:
      return new LaunchError(`${base} responded with status ${status}. Expected an event stream.`);
  }
}

/** Describes why `fetch` failed or a response broke. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name does not exist';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection was cut';
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'the request timed out';
    default:
      return terminalLine(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Returns the `error` of a JSON response, or undefined for error pages of hosts and proxies. */
function errorIn(body: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
  return typeof answer.error === 'string' ? terminalLine(answer.error) : undefined;
}

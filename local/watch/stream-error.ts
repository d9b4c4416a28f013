import { LaunchError } from '../launch-error.js';
import { terminalLine } from './terminal-text.js';
import type { ThreadAddress } from './thread-address.js';

const longestRetryAfterMs = 600_000;

/** Why a stream could not be opened, or broke off; the next attempt may succeed. Its message is one sentence. */
export class StreamError extends Error {
  /** How long the app wants to be left alone; 0 when it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.name = 'StreamError';
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Puts an answer that is no stream into words: a {@link StreamError} where another attempt may help. */
export async function errorOfAnswer(response: Response, { base, key }: ThreadAddress): Promise<Error> {
  const { status, headers } = response;
  const said = errorIn(await response.text());
  switch (true) {
    case status === 401 || status === 403:
      return new LaunchError(
        key === undefined
          ? `${base} asks for a function key: give it with --key KEY (npm start -- --keys prints one).`
          : `${base} does not accept this function key: --key needs that of the app (npm start -- --keys prints it).`,
      );
    case status === 408 || status === 429 || status >= 500: {
      const retryAfterMs = Number(headers.get('retry-after') ?? 0) * 1000;
      return new StreamError(said ?? `The app answers with status ${status}.`, {
        retryAfterMs: retryAfterMs > 0 ? Math.min(retryAfterMs, longestRetryAfterMs) : 0,
      });
    }
    case said !== undefined:
      return new LaunchError(said);
    case status === 404:
      return new LaunchError(`${base} has no streams of events: is it this app, and in a version that has them?`);
    case status >= 300 && status < 400: {
      const target = terminalLine(headers.get('location') ?? 'another address');
      return new LaunchError(`${base} sends readers to ${target}: give the address of the app itself with --base.`);
    }
    default:
      return new LaunchError(`${base} answers with status ${status} where a stream of events was expected.`);
  }
}

/** The reason that `fetch`, or reading from it, gives for a connection that there is not, or no longer is. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing answers there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no host of that name';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection was cut';
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no answer in time';
    default:
      return terminalLine(cause instanceof Error ? cause.message : String(cause));
  }
}

/** The `error` of a JSON answer; undefined for the pages that hosts and proxies answer with. */
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

import { setTimeout as delay } from 'node:timers/promises';
import type * as Redis from 'redis';
import { withTimeout } from '../../functions/time-limits.js';
import { CALL_TIMEOUT_MS } from '../store-timeouts.js';

export type RedisClient = ReturnType<typeof createRedisClient>;

export interface RedisConnectionOptions {
  /** Whether a process that has nothing else to do waits for its commands. Default: it does. */
  readonly isBackground?: boolean;
}

const CONNECT_TIMEOUT_MS = 2000;
/** Between attempts to connect. */
const CONNECT_PAUSE_MS = 100;
const CLOSE_TIMEOUT_MS = 1000;
const KEEP_ALIVE_MS = 10_000;

/**
 * @param sdk the `redis` package, which is loaded only if Redis is used
 * @param credentialsProvider signs in instead of the user and password of the URL
 */
export function createRedisClient(
  sdk: typeof Redis,
  url: string,
  credentialsProvider?: NonNullable<Redis.RedisClientOptions['credentialsProvider']>,
) {
  return sdk.createClient({
    url,
    ...(credentialsProvider !== undefined && { credentialsProvider }),
    // Version 3 of the protocol has no advantage here, and not every proxy in front of a Redis speaks it.
    RESP: 2,
    maintNotifications: 'disabled',
    // The SDK's own time limit ends when a command is written.
    commandOptions: { timeout: 0 },
    // A command is sent at most once. Retries are up to the caller.
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false, keepAliveInitialDelay: KEEP_ALIVE_MS },
  });
}

interface OpenedClient {
  readonly client: RedisClient;
  readonly connected: Promise<unknown>;
}

/**
 * One connection, opened by the first command, and again by the next one after it broke. A server that does not answer
 * in time counts as a broken connection: no command waits longer. The process may exit while the connection is idle.
 */
export class RedisConnection {
  readonly #createClient: () => RedisClient;
  readonly #isBackground: boolean;
  #opened: OpenedClient | undefined;
  #connectAt = 0;
  #isClosed = false;

  constructor(createClient: () => RedisClient, { isBackground = false }: RedisConnectionOptions = {}) {
    this.#createClient = createClient;
    this.#isBackground = isBackground;
  }

  /**
   * Sends commands, which fail together with the connection. Opening the connection first counts as part of the time.
   *
   * @throws whatever the SDK rejects with, or that there was no answer in time: what was sent may have taken effect
   */
  async run<Result>(work: (client: RedisClient) => Promise<Result>, timeoutMs = CALL_TIMEOUT_MS): Promise<Result> {
    if (this.#isClosed) throw new Error('The connection to Redis is closed.');
    this.#opened ??= this.#open();
    const { client, connected } = this.#opened;
    const answered = (signal: AbortSignal): Promise<Result> => {
      signal.addEventListener('abort', () => this.#drop(client), { once: true });
      return connected.then(() => work(client));
    };
    return withTimeout(timeoutMs, answered, { isBackground: this.#isBackground });
  }

  /** Closes the connection for good after pending commands are answered, or after 1 s. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#opened?.client;
    if (client?.isReady === true) {
      await Promise.race([client.close(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    }
    this.disconnect();
  }

  /** Ends the connection at once, until the next command; those that are not answered fail. */
  disconnect(): void {
    if (this.#opened !== undefined) this.#drop(this.#opened.client);
  }

  #open(): OpenedClient {
    const client = this.#createClient();
    client.unref();
    client.on('error', () => {
      this.#forget(client);
      // Not before the client has failed its commands with the error itself.
      setImmediate(() => client.destroy());
    });
    const connected = this.#connect(client);
    connected.catch(() => this.#drop(client));
    return { client, connected };
  }

  async #connect(client: RedisClient): Promise<void> {
    const pauseMs = this.#connectAt - performance.now();
    if (pauseMs > 0) await delay(pauseMs, undefined, { ref: false });
    this.#connectAt = performance.now() + CONNECT_PAUSE_MS;
    await client.connect();
  }

  #drop(client: RedisClient): void {
    this.#forget(client);
    client.destroy();
  }

  #forget(client: RedisClient): void {
    if (this.#opened?.client === client) this.#opened = undefined;
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type RedisClientOptions } from 'redis';
import { withTimeout } from '../../functions/time-limits.js';
import { CALL_TIMEOUT_MS } from '../store-timeouts.js';
import { redisScripts } from './redis-scripts.js';

export type RedisClient = ReturnType<typeof createRedisClient>;

const CONNECT_TIMEOUT_MS = 2000;
/** Pause between attempts to connect. */
const CONNECT_PAUSE_MS = 100;
const CLOSE_TIMEOUT_MS = 1000;
const KEEP_ALIVE_MS = 10_000;

/** Creates a client to copy with {@link duplicateClient}. */
export function createRedisClient(options: Pick<RedisClientOptions, 'url' | 'keyPrefix' | 'credentialsProvider'>) {
  return createClient({
    ...options,
    scripts: redisScripts,
    // Version 3 of the protocol has no advantage here, and some Redis proxies do not support it.
    RESP: 2,
    maintNotifications: 'disabled',
    // The SDK's own time limit covers only the time until a command is written.
    commandOptions: { timeout: 0 },
    // A command is sent at most once. Callers retry.
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false, keepAliveInitialDelay: KEEP_ALIVE_MS },
  });
}

/** Creates a client for one connection. The process may exit while the connection is idle. */
export function duplicateClient(client: RedisClient): RedisClient {
  // A copy costs a hundredth of a new client, for which the SDK would build all commands again.
  const copy = client.duplicate();
  copy.unref();
  // The SDK leaves a socket open that connects after its client was destroyed.
  copy.on('connect', () => {
    if (!copy.isOpen) copy.destroy();
  });
  return copy;
}

interface OpenedClient {
  readonly client: RedisClient;
  readonly connected: Promise<unknown>;
}

/**
 * A connection that opens with its first command, and opens again with the next command after it broke. If the server
 * does not answer in time, the connection counts as broken, so no command waits longer. The process may exit while the
 * connection is idle.
 */
export class RedisConnection {
  readonly #newClient: () => RedisClient;
  #opened: OpenedClient | undefined;
  #connectAt = 0;
  #isClosed = false;

  constructor(newClient: () => RedisClient) {
    this.#newClient = newClient;
  }

  /**
   * Sends commands, which fail if the connection breaks. The time limit includes opening the connection.
   *
   * @throws the SDK's error, or an error if there is no answer in time. The commands may have taken effect.
   */
  async run<Result>(work: (client: RedisClient) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new Error('The connection to Redis is closed.');
    this.#opened ??= this.#open();
    const { client, connected } = this.#opened;
    const answered = (signal: AbortSignal): Promise<Result> => {
      signal.addEventListener('abort', () => this.#drop(client), { once: true });
      return connected.then(() => work(client));
    };
    return withTimeout(CALL_TIMEOUT_MS, answered);
  }

  /** Closes the connection permanently, after pending commands are answered or after 1 s. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#opened?.client;
    if (client?.isReady === true) {
      await Promise.race([client.close(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    }
    if (this.#opened !== undefined) this.#drop(this.#opened.client);
  }

  #open(): OpenedClient {
    const client = this.#newClient();
    client.on('error', () => {
      this.#forget(client);
      // Deferred, so that the client first fails its commands with the error itself.
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

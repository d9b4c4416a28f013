import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import type { Subscribe } from '../poll-key.js';
import { CALL_TIMEOUT_MS } from '../store-timeouts.js';
import type { RedisClient, RedisConnection } from './redis-connection.js';

export interface RedisNewsOptions {
  /** Publishes. A connection with subscriptions accepts no other commands. */
  readonly connection: RedisConnection;
  /** Creates the client for subscriptions. */
  readonly newClient: () => RedisClient;
  readonly keyPrefix: string;
  readonly log: Logger | undefined;
}

type Subscriber = Parameters<Subscribe>[1];

/** How often the connection is checked, and opened again after it broke. */
const CHECK_MS = 1000;

/**
 * Tells other processes of changes, and subscribes to theirs: one channel for each partition, and one connection for all
 * channels, open only while there are subscribers.
 *
 * Each new connection has a new client. If a client reconnects itself, the SDK keeps the process alive meanwhile, and
 * leaks a subscription to new Entra tokens.
 */
export class RedisNews {
  readonly #options: RedisNewsOptions;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  #client: RedisClient | undefined;
  #isArriving = false;
  #hasWarned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisNewsOptions) {
    this.#options = options;
  }

  publish(partition: string): void {
    // Subscribers also poll.
    this.#options.connection.run((client) => client.publish(this.#channelOf(partition), '')).catch(() => {});
  }

  readonly subscribe: Subscribe = (partition, onNews) => {
    const channel = this.#channelOf(partition);
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, subscribers.add(onNews));
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#check(), CHECK_MS).unref();
      this.#check();
    } else if (this.#client?.isReady === true) void this.#listen(this.#client, [channel]);
    return () => {
      if (!subscribers.delete(onNews) || subscribers.size > 0) return;
      this.#subscribers.delete(channel);
      const client = this.#client;
      if (this.#subscribers.size === 0) this.close();
      else if (client?.isReady === true) {
        void this.#attempt(client, () => client.unsubscribe(channel, this.#onMessage));
      }
    };
  };

  /** Ends all subscriptions. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#subscribers.clear();
    this.#client?.destroy();
    this.#client = undefined;
    this.#isArriving = false;
  }

  readonly #onMessage = (_message: string, channel: string): void => this.#tell(channel, true);

  #tell(channel: string, isArriving: boolean): void {
    for (const onNews of this.#subscribers.get(channel) ?? []) onNews(isArriving);
  }

  #check(): void {
    const client = this.#client;
    if (client === undefined) this.#open();
    else if (client.isReady) void this.#attempt(client, () => client.ping());
  }

  #open(): void {
    const client = this.#options.newClient();
    this.#client = client;
    client.on('error', (error) => this.#lose(client, error));
    void this.#attempt(client, async () => {
      await client.connect();
      await this.#listen(client, [...this.#subscribers.keys()]);
    });
  }

  async #listen(client: RedisClient, channels: string[]): Promise<void> {
    await this.#attempt(client, () => client.subscribe(channels, this.#onMessage));
    if (client !== this.#client) return;
    if (this.#hasWarned) this.#options.log?.info('Changes in Redis can be followed again.');
    this.#hasWarned = false;
    this.#isArriving = true;
    for (const channel of channels) this.#tell(channel, true);
  }

  /** Replaces a connection whose call fails. */
  async #attempt(client: RedisClient, call: () => Promise<unknown>): Promise<void> {
    try {
      await withTimeout(CALL_TIMEOUT_MS, call);
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: RedisClient, error: unknown): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    client.destroy();
    // No warning if the next attempt succeeds: a server closes a connection when the token of its sign-in expires.
    if (!this.#isArriving && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.log?.warn(`Changes in Redis cannot be followed by Pub/Sub; polling: ${errorText(error)}`);
    }
    this.#isArriving = false;
    for (const channel of this.#subscribers.keys()) this.#tell(channel, false);
  }

  /** The SDK prefixes keys, but not channels. */
  #channelOf(partition: string): string {
    return `${this.#options.keyPrefix}news:${partition}`;
  }
}

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import type { KeyValueStore, StoredValue, ValueAddress } from '../key-value-store.js';
import { CALL_TIMEOUT_MS } from '../store-timeouts.js';
import type { RedisConnection } from './redis-connection.js';

export interface RedisFollowerOptions {
  /** Sends short commands. */
  readonly connection: RedisConnection;
  /** Used only by the follower, which waits in a blocking read almost all the time. */
  readonly blockingConnection: RedisConnection;
  readonly keyPrefix: string;
  readonly read: KeyValueStore['read'];
  readonly log: Logger | undefined;
}

interface FollowedKey {
  readonly address: ValueAddress;
  readonly onValue: (value: StoredValue | undefined) => void;
  /** Whether its partition has changed, or may have changed, since it was read. */
  isStale: boolean;
}

interface FollowedPartition {
  readonly keys: Set<FollowedKey>;
  /** Id of the newest entry of the partition's news that was read. */
  lastNewsId: string;
}

const BEFORE_ALL = '0-0';
const BLOCK_MS = 2000;
const ANSWER_TIMEOUT_MS = BLOCK_MS + CALL_TIMEOUT_MS;
/** How long news can be read. A later follower reads the value. */
const NEWS_LIFE_MS = 60_000;
/** How often all keys are read. News can be missing if Redis lost data, or if a writer died after its commit. */
const CHECK_MS = 2000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1000;

/**
 * Publishes changes to other processes and follows theirs. One blocking read waits for the news of all followed
 * partitions. Its connection is open only while a key is followed.
 */
export class RedisFollower {
  readonly #options: RedisFollowerOptions;
  /** Followed partitions, by the stream of their news. All streams share a hash slot, so one read can wait for all. */
  readonly #followed = new Map<string, FollowedPartition>();
  /** A stream whose entries end the blocking read. */
  readonly #wakeStream: string;
  #lastWakeId = BEFORE_ALL;
  #isRunning = false;
  #canBeWoken = false;
  #checkAt = 0;

  constructor(options: RedisFollowerOptions) {
    this.#options = options;
    this.#wakeStream = `${options.keyPrefix}{news}:wake:${randomBytes(9).toString('base64url')}`;
  }

  follow(address: ValueAddress, onValue: (value: StoredValue | undefined) => void): () => void {
    const stream = this.#newsOf(address.partition);
    const partition = this.#followed.get(stream) ?? { keys: new Set(), lastNewsId: BEFORE_ALL };
    const followed = { address, onValue, isStale: true };
    this.#followed.set(stream, partition);
    partition.keys.add(followed);
    if (this.#isRunning) this.#wake();
    else void this.#run();
    return () => {
      if (!partition.keys.delete(followed) || partition.keys.size > 0) return;
      if (this.#followed.get(stream) === partition) this.#followed.delete(stream);
      if (this.#followed.size === 0) this.#wake();
    };
  }

  /** Publishes a commit. If the news is lost, followers find the change at their next check. */
  publish(partition: string): void {
    this.#add(this.#newsOf(partition));
  }

  async close(): Promise<void> {
    this.#followed.clear();
    this.#options.blockingConnection.disconnect();
    await this.#options.blockingConnection.close();
  }

  /** Ends the blocking read, because it covers only the partitions that were followed when it started. */
  #wake(): void {
    if (!this.#canBeWoken) return;
    this.#canBeWoken = false;
    this.#add(this.#wakeStream);
  }

  #add(stream: string): void {
    this.#options.connection
      .run((client) =>
        Promise.all([
          client.xAdd(stream, '*', { changed: '' }, { TRIM: { strategy: 'MAXLEN', threshold: 1 } }),
          client.pExpire(stream, NEWS_LIFE_MS),
        ]),
      )
      // Followers also check the value themselves.
      .catch(() => {});
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let pauseMs = 0;
    while (this.#followed.size > 0) {
      try {
        await this.#readStaleKeys();
        await this.#readNews();
        if (pauseMs > 0) this.#options.log?.info('Changes in Redis can be followed again.');
        pauseMs = 0;
      } catch (error) {
        if (this.#followed.size === 0) break;
        if (pauseMs === 0) {
          this.#options.log?.warn(`Changes in Redis cannot be followed; trying again: ${errorText(error)}`);
        }
        pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), MAX_PAUSE_MS);
        // The connection was lost, and perhaps data as well.
        this.#checkAt = 0;
        this.#lastWakeId = BEFORE_ALL;
        for (const partition of this.#followed.values()) partition.lastNewsId = BEFORE_ALL;
        await delay(pauseMs, undefined, { ref: false });
      }
    }
    this.#isRunning = false;
    this.#options.blockingConnection.disconnect();
  }

  async #readStaleKeys(): Promise<void> {
    if (performance.now() >= this.#checkAt) {
      this.#checkAt = performance.now() + CHECK_MS;
      for (const partition of this.#followed.values()) markStale(partition);
    }
    for (;;) {
      const stale = [...this.#followed.values()].flatMap(({ keys }) => [...keys].filter(({ isStale }) => isStale));
      if (stale.length === 0) return;
      await Promise.all(stale.map((followed) => this.#readKey(followed)));
    }
  }

  async #readKey(followed: FollowedKey): Promise<void> {
    followed.isStale = false;
    try {
      const value = await this.#options.read(followed.address);
      const isFollowed = this.#followed.get(this.#newsOf(followed.address.partition))?.keys.has(followed);
      // Reports unchanged values, too, because Redis may have lost a change that the follower knows.
      if (isFollowed === true) followed.onValue(value);
    } catch (error) {
      followed.isStale = true;
      throw error;
    }
  }

  async #readNews(): Promise<void> {
    const streams = [...this.#followed].map(([key, { lastNewsId }]) => ({ key, id: lastNewsId }));
    streams.push({ key: this.#wakeStream, id: this.#lastWakeId });
    this.#canBeWoken = true;
    try {
      const news = await this.#options.blockingConnection.run(
        (client) => client.xRead(streams, { BLOCK: BLOCK_MS, COUNT: 1 }),
        ANSWER_TIMEOUT_MS,
      );
      for (const { name, messages } of news ?? []) {
        const latest = messages.at(-1);
        if (latest === undefined) continue;
        if (name === this.#wakeStream) this.#lastWakeId = latest.id;
        const partition = this.#followed.get(name);
        if (partition === undefined) continue;
        partition.lastNewsId = latest.id;
        markStale(partition);
      }
    } finally {
      this.#canBeWoken = false;
    }
  }

  #newsOf(partition: string): string {
    return `${this.#options.keyPrefix}{news}:${partition}`;
  }
}

function markStale({ keys }: FollowedPartition): void {
  for (const followed of keys) followed.isStale = true;
}

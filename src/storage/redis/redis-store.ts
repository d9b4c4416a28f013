import { randomBytes } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Logger } from '../../functions/logger.js';
import type {
  CommitGuard,
  KeyRange,
  KeyValueStore,
  StoredValue,
  ValueAddress,
  ValueChange,
} from '../key-value-store.js';
import { pollKey } from '../poll-key.js';
import type { ValueLimits } from '../split-value-store.js';
import { createRedisClient, duplicateClient, type RedisClient, RedisConnection } from './redis-connection.js';
import { RedisNews } from './redis-news.js';

/** Redis limits a value to 512 MB. */
export const REDIS_LIMITS: ValueLimits = { maxValueLength: Infinity, maxCommitLength: Infinity };

export interface RedisStoreOptions {
  /** `redis://user:password@host:port/database`, or `rediss://…` for TLS. */
  readonly url: string;
  /** Provides tokens for sign-in. Undefined: the URL contains user and password. */
  readonly credential?: TokenCredential | undefined;
  /** Prefix of all keys. @default 'callbacks:' */
  readonly keyPrefix?: string;
  /** Receives a line when changes cannot be followed, and when they can again. */
  readonly log?: Logger;
}

/**
 * Opens a store on Redis 6.2 or later: one server, with or without replicas, or a service that looks like one. Each
 * command touches only one hash slot, so a proxy may spread commands over shards. Clustering by the client is not
 * supported. Connects with the first command.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<KeyValueStore> {
  const { url, credential, keyPrefix = 'callbacks:', log } = options;
  const credentialsProvider = credential && (await loadEntraCredentials(credential, log));
  const client = createRedisClient({ url, keyPrefix, ...(credentialsProvider && { credentialsProvider }) });
  return new RedisStore(() => duplicateClient(client), keyPrefix, log);
}

async function loadEntraCredentials(credential: TokenCredential, log: Logger | undefined) {
  const { createEntraCredentials } = await import('./entra-credentials.js');
  return createEntraCredentials(credential, log);
}

/**
 * Stores each partition in one sorted set, so that Redis cannot evict a part of it. A member consists of a key, a zero
 * byte, a tag of 12 characters, and the value. All scores are 0, so members are sorted by key.
 */
class RedisStore implements KeyValueStore {
  /** Used by writers and followers, whose commands must not wait for large replies. */
  readonly #connection: RedisConnection;
  /** Used for large replies, because a command waits for earlier ones on the same connection. */
  readonly #reads: RedisConnection;
  readonly #news: RedisNews;
  readonly follow: KeyValueStore['follow'];

  constructor(newClient: () => RedisClient, keyPrefix: string, log: Logger | undefined) {
    this.#connection = new RedisConnection(newClient);
    this.#reads = new RedisConnection(newClient);
    this.#news = new RedisNews({ connection: this.#connection, newClient, keyPrefix, log });
    this.follow = pollKey(this, this.#news.subscribe);
  }

  async read({ partition, key }: ValueAddress): Promise<StoredValue | undefined> {
    const limit = { LIMIT: { offset: 0, count: 1 } };
    const [member] = await this.#connection.run((client) =>
      client.zRangeByLex(keyOf(partition), `[${key}\0`, `(${key}\u0001`, limit),
    );
    return member === undefined ? undefined : toStoredValue(member);
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const found = new Map<string, StoredValue>();
    for (let start = 0; start < keys.length;) {
      const left = keys.slice(start);
      const members = await this.#reads.run((client) => client.readMembers(keyOf(partition), left));
      for (const member of members) if (member !== null) found.set(keyIn(member), toStoredValue(member));
      start += members.length;
    }
    return found;
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const members = await this.#reads.run((client) => client.readMemberRange(keyOf(partition), range, limit));
    return members.map(toStoredValue);
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    const tag = randomBytes(9).toString('base64url');
    const isCommitted = await this.#connection.run((client) =>
      client.commitValues(keyOf(partition), guard, changes, tag),
    );
    if (!isCommitted) return undefined;
    this.#news.publish(partition);
    return tag;
  }

  async removeRange(partition: string, { from, before }: KeyRange): Promise<void> {
    const removed = await this.#connection.run((client) =>
      client.zRemRangeByLex(keyOf(partition), `[${from}`, `(${before}`),
    );
    if (removed > 0) this.#news.publish(partition);
  }

  async ping(): Promise<void> {
    await this.#connection.run((client) => client.ping());
  }

  async close(): Promise<void> {
    this.#news.close();
    await this.#connection.close();
    await this.#reads.close();
  }
}

/** Returns the Redis key of a partition. Its name contains no brace, so the name alone decides the hash slot. */
function keyOf(partition: string): string {
  return `{${partition}}`;
}

function keyIn(member: string): string {
  return member.slice(0, member.indexOf('\0'));
}

function toStoredValue(member: string): StoredValue {
  const key = keyIn(member);
  const tagStart = key.length + 1;
  const valueStart = tagStart + 12;
  return { key, tag: member.slice(tagStart, valueStart), value: member.slice(valueStart) };
}

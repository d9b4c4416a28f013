import { randomBytes } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Logger } from '../../../functions/logger.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { DurableStoreAdapter, StoredHead } from '../durable/durable-store-adapter.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import { isReached, type ThreadChange } from '../../domain/thread-changes.js';
import { createRedisClient, RedisConnection } from '../../../storage/redis/redis-connection.js';
import { readEntries, readFields, runCommitScript, runRemoveScript } from './redis-scripts.js';
import { isRunField, messageFieldOf, parseEvent, parseMessage, runFieldOf } from './redis-stored-record.js';
import { RedisKeys } from './redis-thread-keys.js';
import { RedisThreadList } from './redis-thread-list.js';
import { RedisThreadWatch } from './redis-thread-watch.js';
import type { RunRecord } from '../../domain/run-record.js';
import { parseHead, parseRun } from '../durable/stored-schemas.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { ThreadList } from '../durable/thread-list.js';
import type { FollowThread } from '../thread-watchers.js';
import { MS_PER_DAY } from '../durable/store-timeouts.js';

export interface RedisStoreAdapterOptions {
  /** `redis://user:password@host:port/database`, or `rediss://…` for TLS. */
  readonly url: string;
  /** Gets the tokens that connections sign in with. `undefined`: user and password of the URL. */
  readonly credential?: TokenCredential | undefined;
  /** All that is kept of a thread goes so many days after its last change. Absent: it stays. */
  readonly ttlDays?: number;
  /** What all keys begin with. Default: `callbacks:`. */
  readonly keyPrefix?: string;
  /** Told when changes cannot be watched for, and when they can again. */
  readonly log?: Logger;
}

const RUNS_AT_ONCE = 500;

/**
 * Keeps the records of threads in Redis 6.2 or later: one server, with or without replicas, or a service that looks like
 * one. No command touches more than one hash slot, so a proxy may spread them over shards; a client that has to find
 * the shards by itself is not made here. It connects with the first command.
 */
export async function openRedisStoreAdapter(options: RedisStoreAdapterOptions): Promise<DurableStoreAdapter> {
  const sdk = await import('redis');
  const { url, credential, log } = options;
  const client = createRedisClient(sdk, url, credential && (await loadEntraCredentials(credential, log)));
  // A copy costs a hundredth of a new one: the SDK puts all commands of Redis together for that.
  return new RedisStoreAdapter(() => client.duplicate(), options);
}

async function loadEntraCredentials(credential: TokenCredential, log: Logger | undefined) {
  const { createEntraCredentials } = await import('../../../storage/redis/entra-credentials.js');
  return createEntraCredentials(credential, log);
}

class RedisStoreAdapter implements DurableStoreAdapter {
  readonly follow: FollowThread;
  /** For what writers and watchers wait for. */
  readonly #connection: RedisConnection;
  /** For large replies: a command waits for those that were sent before it on the same connection. */
  readonly #reads: RedisConnection;
  readonly #watch: RedisThreadWatch;
  readonly #list: RedisThreadList;
  readonly #keys: RedisKeys;
  readonly #ttlMs: number | undefined;

  constructor(
    createClient: () => ReturnType<typeof createRedisClient>,
    { ttlDays, keyPrefix = 'callbacks:', log }: RedisStoreAdapterOptions,
  ) {
    this.#keys = new RedisKeys(keyPrefix);
    this.#ttlMs = ttlDays === undefined ? undefined : Math.ceil(ttlDays * MS_PER_DAY);
    this.#connection = new RedisConnection(createClient);
    this.#reads = new RedisConnection(createClient);
    this.#list = new RedisThreadList({
      connection: this.#connection,
      reads: this.#reads,
      keys: this.#keys,
      ttlMs: this.#ttlMs,
    });
    this.#watch = new RedisThreadWatch({
      connection: this.#connection,
      blockingConnection: new RedisConnection(createClient, { isBackground: true }),
      keys: this.#keys,
      readHead: (thread) => this.readHead(thread),
      log,
    });
    this.follow = this.#watch.follow;
  }

  async readHead(thread: EventThread): Promise<StoredHead | undefined> {
    const { head: key } = this.#keys.thread(thread);
    const [tag, head] = await this.#connection.run((client) => client.hmGet(key, ['tag', 'head']));
    return typeof tag === 'string' && typeof head === 'string' ? { tag, head: parseHead(head) } : undefined;
  }

  async readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    if (correlationIds.length === 0) return [];
    const { runs: key } = this.#keys.thread(thread);
    const fields = correlationIds.flatMap((id) => {
      const field = runFieldOf(epoch, id);
      return [field, messageFieldOf(field)];
    });
    const values: (string | null)[] = [];
    while (values.length < fields.length) {
      const left = fields.slice(values.length);
      values.push(...(await this.#reads.run((client) => readFields(client, key, left))));
    }
    return correlationIds.flatMap((_, index) => {
      const run = values[2 * index];
      return typeof run === 'string' ? parseRun(run, parseMessage(values[2 * index + 1])) : [];
    });
  }

  async readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    const { events: key } = this.#keys.thread(thread);
    const entries = await this.#reads.run((client) => readEntries(client, key, first, limit));
    return entries.map(({ id, message }) => parseEvent(id, message));
  }

  async commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    const next = randomBytes(9).toString('base64url');
    const [isCommitted] = await this.#connection.run((client) => {
      // First, so that a thread that has events is always in the list.
      const listed = this.#list.note(client, thread, change);
      return Promise.all([
        runCommitScript(client, this.#keys.thread(thread), { expected: tag, next }, change, this.#ttlMs),
        ...listed,
      ]);
    });
    if (!isCommitted) return undefined;
    this.#watch.publish(thread, change.head);
    return next;
  }

  async removeUnreachable(thread: EventThread, head: ThreadHead): Promise<void> {
    const keys = this.#keys.thread(thread);
    await this.#connection.run((client) => runRemoveScript(client, keys, head, []));
    const fields = (await this.#connection.run((client) => client.hKeys(keys.runs))).filter(isRunField);
    for (let start = 0; start < fields.length; start += RUNS_AT_ONCE) {
      const some = fields.slice(start, start + RUNS_AT_ONCE);
      const values = await this.#connection.run((client) => client.hmGet(keys.runs, some));
      const forgotten = some.flatMap((field, index) => {
        const value = values[index];
        return typeof value !== 'string' || isReached(parseRun(value, ''), head) ? [] : { field, value };
      });
      if (forgotten.length > 0) await this.#connection.run((client) => runRemoveScript(client, keys, head, forgotten));
    }
  }

  async forgetThread(thread: EventThread): Promise<void> {
    const { head, events, runs } = this.#keys.thread(thread);
    await this.#connection.run((client) => client.unlink([head, events, runs]));
  }

  listThreads(agentName: string): Promise<ThreadList> {
    return this.#list.list(agentName);
  }

  async ping(): Promise<void> {
    await this.#connection.run((client) => client.ping());
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#connection.close();
    await this.#reads.close();
  }
}

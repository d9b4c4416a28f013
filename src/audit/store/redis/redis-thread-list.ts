import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadChange } from '../../domain/thread-changes.js';
import type { RedisClient, RedisConnection } from '../../../storage/redis/redis-connection.js';
import { runLimitLifeScript } from './redis-scripts.js';
import type { RedisKeys } from './redis-thread-keys.js';
import { parseHead } from '../durable/stored-schemas.js';
import { type StoredThread, sizeOf, type ThreadList, toThreadList } from '../durable/thread-list.js';
import { MS_PER_DAY } from '../durable/store-timeouts.js';

export interface RedisThreadListOptions {
  readonly connection: RedisConnection;
  /** For large replies. */
  readonly reads: RedisConnection;
  readonly keys: RedisKeys;
  /** Of a thread, from its last change. Absent: it does not expire. */
  readonly ttlMs: number | undefined;
}

/** A thread, and when its latest event was kept: milliseconds since 1970. */
interface ListedThread extends EventThread {
  readonly keptAt: number;
}

/** A new thread is noted before it is there. */
const GONE_AFTER_MS = 60_000;
const READ_AT_ONCE = 500;
const SWEEP_AGAIN_MS = 3_600_000;
/** Of a thread whose time is up: whoever is about to change it makes it live on. */
const MIN_LIFE_MS = 3_600_000;

/**
 * Knows which threads an agent has. It is in another hash slot than a thread, so it cannot change in one step with it:
 * it names all threads that have events, and possibly some that have none any more.
 */
export class RedisThreadList {
  readonly #options: RedisThreadListOptions;
  /** By the agent's name; by the clock of `performance`. */
  readonly #sweptAt = new Map<string, number>();

  constructor(options: RedisThreadListOptions) {
    this.#options = options;
  }

  /** Sends what is to be noted of a change that is about to be made. */
  note(client: RedisClient, { agentName, threadId }: EventThread, { events }: ThreadChange): Promise<unknown>[] {
    const last = events.at(-1);
    if (last === undefined) return [];
    const key = this.#options.keys.threads(agentName);
    const added = client.zAdd(key, { score: Date.now(), value: threadId }, { comparison: 'GT' });
    return last.eventType === 'stream' ? [added] : [added, ...this.#letExpire(client, agentName)];
  }

  async list(agentName: string): Promise<ThreadList> {
    const { reads, keys } = this.#options;
    const found: StoredThread[] = [];
    for await (const threads of this.#read(agentName)) {
      const heads = await reads.run((client) =>
        Promise.all(threads.map((thread) => client.hGet(keys.thread(thread).head, 'head'))),
      );
      for (const [index, { threadId }] of threads.entries()) {
        const stored = heads[index];
        if (typeof stored === 'string') found.push({ threadId, read: () => sizeOf(parseHead(stored)) });
      }
      await this.#forget(threads.filter((_, index) => typeof heads[index] !== 'string'));
    }
    return toThreadList(agentName, found);
  }

  /** The list expires a day after its last thread: a mark, which is not noted here, makes a thread live on as well. */
  #letExpire(client: RedisClient, agentName: string): Promise<unknown>[] {
    const { keys, ttlMs } = this.#options;
    if (ttlMs === undefined) return [client.persist(keys.threads(agentName))];
    const now = performance.now();
    if (now - (this.#sweptAt.get(agentName) ?? -Infinity) < SWEEP_AGAIN_MS) {
      return [client.pExpire(keys.threads(agentName), ttlMs + MS_PER_DAY)];
    }
    // Beside the run, which need not wait for it. What fails is tried again with a later one.
    this.#sweptAt.set(agentName, now);
    this.#sweep(agentName, ttlMs).catch(() => this.#sweptAt.delete(agentName));
    return [];
  }

  /**
   * Lets those threads expire that do not, or too late: they were not changed since threads expire, or do so earlier.
   * Nobody would find them any more when the list has expired.
   */
  async #sweep(agentName: string, ttlMs: number): Promise<void> {
    const { connection, keys } = this.#options;
    for await (const threads of this.#read(agentName)) {
      const now = Date.now();
      const areThere = await connection.run((client) =>
        Promise.all(
          threads.map((thread) => {
            const lifeMs = Math.max(MIN_LIFE_MS, thread.keptAt + ttlMs - now);
            return runLimitLifeScript(client, keys.thread(thread), { maxLifeMs: ttlMs, lifeMs });
          }),
        ),
      );
      await this.#forget(threads.filter((_, index) => areThere[index] === false));
    }
    await connection.run((client) => client.pExpire(keys.threads(agentName), ttlMs + MS_PER_DAY));
  }

  /** All threads of the list, some at a time. */
  async *#read(agentName: string): AsyncGenerator<ListedThread[]> {
    const { reads, keys } = this.#options;
    const members = await reads.run((client) => client.zRangeWithScores(keys.threads(agentName), 0, -1));
    const threads = members.map(({ value, score }) => ({ agentName, threadId: value, keptAt: score }));
    for (let start = 0; start < threads.length; start += READ_AT_ONCE) yield threads.slice(start, start + READ_AT_ONCE);
  }

  /** Takes threads of one agent from the list that were not found. */
  async #forget(missing: readonly ListedThread[]): Promise<void> {
    const { connection, keys } = this.#options;
    const gone = missing.filter(({ keptAt }) => keptAt < Date.now() - GONE_AFTER_MS);
    const [first] = gone;
    if (first === undefined) return;
    const threadIds = gone.map(({ threadId }) => threadId);
    await connection.run((client) => client.zRem(keys.threads(first.agentName), threadIds));
  }
}

import type { EventThread, EventThreadSummary } from '../callback-event-store.js';
import type { RecordChange } from '../record-changes.js';
import type { RedisClient, RedisConnection } from './redis-connection.js';
import type { RedisKeys } from './redis-thread-keys.js';
import { parseHead } from '../stored-record.js';
import { MS_PER_DAY } from '../ms-per-day.js';

export interface RedisThreadListOptions {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  /** Of a thread, from its last change. Absent: it does not expire. */
  readonly ttlMs: number | undefined;
}

const GONE_AFTER_MS = 60_000;
const READ_AT_ONCE = 500;

/**
 * Knows which threads an agent has. It is in another hash slot than a thread, so it cannot change in one step with it:
 * it names all threads that have events, and possibly some that have none any more.
 */
export class RedisThreadList {
  readonly #options: RedisThreadListOptions;

  constructor(options: RedisThreadListOptions) {
    this.#options = options;
  }

  /** Sends what is to be noted of a change that is about to be made. */
  note(client: RedisClient, thread: EventThread, { events }: RecordChange): Promise<unknown>[] {
    const key = this.#options.keys.threads(thread.agentName);
    const last = events.at(-1);
    if (last === undefined) return [];
    const member = { score: Date.now(), value: thread.threadId };
    const added = client.zAdd(key, member, { comparison: 'GT' });
    return last.eventType === 'stream' ? [added] : [added, ...this.#letExpire(client, key)];
  }

  async list(agentName: string): Promise<EventThreadSummary[]> {
    const { connection, keys } = this.#options;
    const key = keys.threads(agentName);
    const members = await connection.run((client) => client.zRangeWithScores(key, 0, -1));
    const summaries: EventThreadSummary[] = [];
    for (let start = 0; start < members.length; start += READ_AT_ONCE) {
      const read = members.slice(start, start + READ_AT_ONCE);
      const threads = read.map(({ value: threadId }) => ({ agentName, threadId }));
      const heads = await connection.run((client) =>
        Promise.all(threads.map((thread) => client.hGet(keys.thread(thread).head, 'head'))),
      );
      const gone: string[] = [];
      for (const [index, thread] of threads.entries()) {
        const stored = heads[index];
        if (typeof stored !== 'string') {
          // A new one is noted before it is there.
          if ((read[index]?.score ?? 0) < Date.now() - GONE_AFTER_MS) gone.push(thread.threadId);
          continue;
        }
        const { totals, oldestSequence, newestSequence } = parseHead(stored);
        const eventCount = newestSequence - oldestSequence + 1;
        if (totals !== undefined && eventCount > 0) summaries.push({ ...thread, eventCount, ...totals });
      }
      if (gone.length > 0) await connection.run((client) => client.zRem(key, gone));
    }
    return summaries.toSorted((one, other) => (one.lastEventAt < other.lastEventAt ? 1 : -1));
  }

  #letExpire(client: RedisClient, key: string): Promise<unknown>[] {
    const { ttlMs } = this.#options;
    if (ttlMs === undefined) return [client.persist(key)];
    // A thread expires later than its last event makes one think: a mark is a change as well.
    const lifeMs = ttlMs + MS_PER_DAY;
    return [client.zRemRangeByScore(key, '-inf', Date.now() - lifeMs), client.pExpire(key, lifeMs)];
  }
}

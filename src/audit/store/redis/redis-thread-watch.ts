import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { errorText } from '../../../functions/error-text.js';
import { type Logger } from '../../../functions/logger.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { DurableStoreAdapter } from '../durable/durable-store-adapter.js';
import type { RedisConnection } from '../../../storage/redis/redis-connection.js';
import type { RedisKeys } from './redis-thread-keys.js';
import { CALL_TIMEOUT_MS } from '../../../storage/store-timeouts.js';
import { parseHead } from '../durable/stored-schemas.js';
import type { FollowThread } from '../thread-watchers.js';

export interface RedisThreadWatchOptions {
  /** For short commands. */
  readonly connection: RedisConnection;
  /** Of the watch alone: it waits in a read nearly all the time. */
  readonly blockingConnection: RedisConnection;
  readonly keys: RedisKeys;
  readonly readHead: DurableStoreAdapter['readHead'];
  readonly log: Logger | undefined;
}

interface FollowedThread {
  readonly thread: EventThread;
  readonly announce: (record: ThreadHead | undefined) => void;
  /** The entry of the thread's news behind which to read. */
  lastNewsId: string;
  /** What was announced last; absent before the first time. */
  latest?: { readonly record: ThreadHead | undefined };
}

const BEFORE_ALL = '0-0';
const BLOCK_MS = 2000;
const ANSWER_TIMEOUT_MS = BLOCK_MS + CALL_TIMEOUT_MS;
/** How long news can be read: whoever comes later finds the change in the head. */
const NEWS_LIFE_MS = 60_000;
/** All heads are read so often, for what makes no news: a thread that has expired, or a writer that died in between. */
const CHECK_MS = 2000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1000;

/**
 * Tells other processes of changes, and finds theirs: by one read that waits for the news of all followed threads. It
 * has a connection of its own, which is open only while a thread is followed.
 */
export class RedisThreadWatch {
  readonly #options: RedisThreadWatchOptions;
  /** By the key of the thread's news. */
  readonly #followed = new Map<string, FollowedThread>();
  readonly #wakeKey: string;
  #lastWakeId = BEFORE_ALL;
  #isRunning = false;
  #canBeWoken = false;
  #checkAt = 0;

  constructor(options: RedisThreadWatchOptions) {
    this.#options = options;
    this.#wakeKey = options.keys.wake(randomBytes(9).toString('base64url'));
  }

  readonly follow: FollowThread = (thread, announce) => {
    const key = this.#options.keys.news(thread);
    const followed = { thread, announce, lastNewsId: BEFORE_ALL };
    this.#followed.set(key, followed);
    if (this.#isRunning) this.#wake();
    else void this.#run();
    return () => {
      if (this.#followed.get(key) !== followed) return;
      this.#followed.delete(key);
      if (this.#followed.size === 0) this.#wake();
    };
  };

  /** Spreads a change that was kept. News that are lost are made up for by the next look at the head. */
  publish(thread: EventThread, head: ThreadHead): void {
    this.#add(this.#options.keys.news(thread), 'head', JSON.stringify(head));
  }

  async close(): Promise<void> {
    this.#followed.clear();
    this.#options.blockingConnection.disconnect();
    await this.#options.blockingConnection.close();
  }

  /** Ends the read, which knows only the threads that were followed when it began. */
  #wake(): void {
    if (!this.#canBeWoken) return;
    this.#canBeWoken = false;
    this.#add(this.#wakeKey, 'wake', '');
  }

  #add(key: string, field: string, value: string): void {
    this.#options.connection
      .run((client) =>
        Promise.all([
          client.xAdd(key, '*', { [field]: value }, { TRIM: { strategy: 'MAXLEN', threshold: 1 } }),
          client.pExpire(key, NEWS_LIFE_MS),
        ]),
      )
      // Readers that wait also read the head themselves.
      .catch(() => {});
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let pauseMs = 0;
    while (this.#followed.size > 0) {
      try {
        await this.#checkHeads();
        await this.#readNews();
        if (pauseMs > 0) this.#options.log?.info('Redis is watched for changes again.');
        pauseMs = 0;
      } catch (error) {
        if (this.#followed.size === 0) break;
        if (pauseMs === 0) {
          this.#options.log?.warn(`Redis cannot be watched for changes, trying again: ${errorText(error)}`);
        }
        pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), MAX_PAUSE_MS);
        this.#forgetPlaces();
        await delay(pauseMs, undefined, { ref: false });
      }
    }
    this.#isRunning = false;
    this.#options.blockingConnection.disconnect();
  }

  /** After the connection was lost, and maybe the data. */
  #forgetPlaces(): void {
    this.#checkAt = 0;
    this.#lastWakeId = BEFORE_ALL;
    for (const followed of this.#followed.values()) followed.lastNewsId = BEFORE_ALL;
  }

  async #checkHeads(): Promise<void> {
    const isDue = performance.now() >= this.#checkAt;
    if (isDue) this.#checkAt = performance.now() + CHECK_MS;
    let unsure = [...this.#followed.values()].filter(({ latest }) => isDue || latest === undefined);
    while (unsure.length > 0) {
      await Promise.all(unsure.map((followed) => this.#checkHead(followed)));
      // Some may have come meanwhile.
      unsure = [...this.#followed.values()].filter(({ latest }) => latest === undefined);
    }
  }

  async #checkHead(followed: FollowedThread): Promise<void> {
    const stored = await this.#options.readHead(followed.thread);
    // Also when nothing has changed here: a watcher may have been told of what Redis has lost since, or of nothing.
    this.#announce(followed, stored?.head);
  }

  async #readNews(): Promise<void> {
    const streams = [...this.#followed].map(([key, { lastNewsId }]) => ({ key, id: lastNewsId }));
    streams.push({ key: this.#wakeKey, id: this.#lastWakeId });
    this.#canBeWoken = true;
    try {
      const news = await this.#options.blockingConnection.run(
        (client) => client.xRead(streams, { BLOCK: BLOCK_MS, COUNT: 1 }),
        ANSWER_TIMEOUT_MS,
      );
      for (const { name, messages } of news ?? []) {
        const latest = messages.at(-1);
        if (latest === undefined) continue;
        if (name === this.#wakeKey) this.#lastWakeId = latest.id;
        else this.#onNews(name, latest.id, latest.message['head']);
      }
    } finally {
      this.#canBeWoken = false;
    }
  }

  #onNews(key: string, id: string, text: string | undefined): void {
    const followed = this.#followed.get(key);
    if (followed === undefined || text === undefined) return;
    followed.lastNewsId = id;
    const head = parseHead(text);
    // Two writers' news may come in another order than their changes.
    const known = followed.latest?.record;
    if (known === undefined || known.epoch !== head.epoch || known.version < head.version) {
      this.#announce(followed, head);
    }
  }

  #announce(followed: FollowedThread, record: ThreadHead | undefined): void {
    followed.latest = { record };
    followed.announce(record);
  }
}

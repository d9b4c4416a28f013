import type { EventThread } from '../../domain/event-thread.js';
import { threadKey } from '../../domain/event-thread.js';

/** The keys that hold a thread. They share a hash slot, so that one script may change them on a sharded server too. */
export interface RedisThreadKeys {
  /** Hash: `tag`, `record` and `head`. */
  readonly head: string;
  /** Stream: an event's sequence is the first half of its id. */
  readonly events: string;
  /** Hash: the runs, and their request messages. */
  readonly runs: string;
}

/** Names what is kept in Redis. Neither agent names nor thread ids hold a brace or a `|`, so no two names are alike. */
export class RedisKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  thread(thread: EventThread): RedisThreadKeys {
    const start = `${this.#prefix}{${threadKey(thread)}}`;
    return { head: `${start}:head`, events: `${start}:events`, runs: `${start}:runs` };
  }

  /** Sorted set: the ids of an agent's threads that may hold events, by when the latest one was kept. */
  threads(agentName: string): string {
    return `${this.#prefix}threads:${agentName}`;
  }

  /** Stream: the latest news of a thread. All news share a slot: one read waits for those of many threads. */
  news(thread: EventThread): string {
    return `${this.#prefix}{news}:${threadKey(thread)}`;
  }

  /** Stream, with the news: an entry ends a read that waits for them. */
  wake(id: string): string {
    return `${this.#prefix}{news}:wake:${id}`;
  }
}

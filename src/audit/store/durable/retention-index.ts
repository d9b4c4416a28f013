import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type KeyValueStore, readPages } from '../../../storage/key-value-store.js';
import { type EventThread, threadKey } from '../../domain/event-thread.js';
import { jsonOf } from './stored-schemas.js';

const PARTITION = 'event-retention';
const READ_ROWS = 200;

const threadJson = jsonOf(z.object({ agentName: z.string(), threadId: z.string() }));

/** A thread in the index. */
export interface IndexedThread {
  readonly thread: EventThread;
  readonly key: string;
  readonly tag: string;
}

/**
 * Indexes the threads of all agents by the time of their oldest event, so a purge reads only threads with expired
 * events. A thread is added before its first change. Only the purge moves or removes it.
 */
export class RetentionIndex {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** @param oldestAt - no event of the thread is older: ISO 8601 in UTC */
  async add(thread: EventThread, oldestAt: string): Promise<void> {
    const key = keyOf(thread, oldestAt);
    // A conflict means that it is already there.
    await this.#store.commit(PARTITION, { key, tag: undefined }, [{ key, value: valueOf(thread) }]);
  }

  /** Returns threads that may have events from before `time` (ISO 8601 in UTC), oldest first. */
  async *threadsFromBefore(time: string): AsyncGenerator<IndexedThread> {
    for await (const rows of readPages(this.#store, PARTITION, { from: '-', before: time }, READ_ROWS)) {
      for (const { key, value, tag } of rows) yield { thread: threadJson.parse(value), key, tag };
    }
  }

  /** Moves a thread after its oldest events were dropped. @param oldestAt - undefined: removes it */
  async move({ thread, key, tag }: IndexedThread, oldestAt: string | undefined): Promise<void> {
    const next = oldestAt === undefined ? undefined : keyOf(thread, oldestAt);
    if (next === key) return;
    const added = next === undefined ? [] : [{ key: next, value: valueOf(thread) }];
    await this.#store.commit(PARTITION, { key, tag }, [{ key, value: undefined }, ...added]);
  }
}

/** Contains a hash, because thread ids may be longer than a key. */
function keyOf(thread: EventThread, time: string): string {
  return `${time}|${createHash('sha256').update(threadKey(thread)).digest('base64url').slice(0, 22)}`;
}

function valueOf({ agentName, threadId }: EventThread): string {
  return JSON.stringify({ agentName, threadId });
}

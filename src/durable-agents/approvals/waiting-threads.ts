import { z } from 'zod';
import { type KeyValueStore, readPages } from '../../storage/key-value-store.js';
import { type ThreadIdentity, threadHash } from '../thread/thread-identity.js';

const MAX_TRIES = 30;

const rowSchema = z.object({
  threadId: z.string(),
  /** When its next approval expires: ISO 8601 in UTC. */
  dueAt: z.string(),
});

/** Remembers which threads have a run that waits for approval, so that a timer finds the ones that have expired. */
export class WaitingThreads {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** @param dueAt when the next approval expires; undefined: the thread does not wait any more */
  async note(thread: ThreadIdentity, dueAt: string | undefined): Promise<void> {
    const partition = partitionOf(thread.agentName);
    const key = threadHash(thread.threadId);
    const value = dueAt && JSON.stringify({ threadId: thread.threadId, dueAt } satisfies z.infer<typeof rowSchema>);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const stored = await this.#store.read({ partition, key });
      if (stored?.value === value) return;
      if ((await this.#store.commit(partition, { key, tag: stored?.tag }, [{ key, value }])) !== undefined) return;
    }
    throw new Error(`The row of a waiting thread has changed ${MAX_TRIES} times while it was being written.`);
  }

  /** The threads with an approval that has expired by now. */
  async *due(agentName: string, now: Date): AsyncGenerator<ThreadIdentity> {
    for await (const rows of readPages(this.#store, partitionOf(agentName), { from: '0', before: 'g' })) {
      for (const { value } of rows) {
        const { threadId, dueAt } = rowSchema.parse(JSON.parse(value));
        if (Date.parse(dueAt) <= now.getTime()) yield { agentName, threadId };
      }
    }
  }
}

function partitionOf(agentName: string): string {
  return `waiting|${agentName}`;
}

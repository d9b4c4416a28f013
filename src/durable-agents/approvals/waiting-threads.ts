import { z } from 'zod';
import { type KeyValueStore, readPages, retryCommit } from '../../storage/key-value-store.js';
import { type ThreadIdentity, threadHash } from '../thread/thread-identity.js';

const rowSchema = z.object({
  threadId: z.string(),
  /** When its next approval expires: ISO 8601 in UTC. */
  dueAt: z.string(),
});

/** Indexes the threads with a run that waits for approval, so a timer can find expired approvals. */
export class WaitingThreads {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** @param dueAt - when the next approval expires; undefined: the thread no longer waits */
  async note(thread: ThreadIdentity, dueAt: string | undefined): Promise<void> {
    const partition = partitionOf(thread.agentName);
    const key = threadHash(thread.threadId);
    const value = dueAt && JSON.stringify({ threadId: thread.threadId, dueAt } satisfies z.infer<typeof rowSchema>);
    await retryCommit(async () => {
      const stored = await this.#store.read({ partition, key });
      if (stored?.value === value) return true;
      const tag = await this.#store.commit(partition, { key, tag: stored?.tag }, [{ key, value }]);
      return tag === undefined ? undefined : true;
    });
  }

  /** Returns the threads with an expired approval. */
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

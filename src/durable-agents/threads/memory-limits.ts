import type { MemoryKeyValueStore } from '../../storage/memory/memory-key-value-store.js';
import { isEnded } from '../runs/run-record.js';
import type { RunRecords } from '../runs/run-records.js';
import { threadsPartition } from '../thread/thread-identity.js';
import { type ListedThread, THREAD_IDS, type ThreadIndex } from './thread-index.js';

/** Limits of threads and runs in the memory of a process. */
export interface MemoryBounds {
  /** Maximum number of threads of each agent. */
  readonly maxThreads: number;
  /** Maximum characters of all run records and list entries. */
  readonly maxChars: number;
}

/** Fraction of a limit that is left after an eviction, so that evictions, which scan all threads, are rare. */
const KEPT_SHARE = 0.95;

/** Evicts the least recently active threads when there are too many. Does not delete their conversations. */
export class MemoryLimits {
  readonly #storage: MemoryKeyValueStore;
  readonly #runRecords: RunRecords;
  readonly #threadIndex: ThreadIndex;
  readonly #bounds: MemoryBounds;

  constructor(storage: MemoryKeyValueStore, runRecords: RunRecords, threadIndex: ThreadIndex, bounds: MemoryBounds) {
    this.#storage = storage;
    this.#runRecords = runRecords;
    this.#threadIndex = threadIndex;
    this.#bounds = bounds;
  }

  /** Call it when a run of the agent has ended. */
  async enforce(agentName: string): Promise<void> {
    if (!this.#isOver(agentName, 1)) return;
    const ended = (await this.#readAll(agentName)).filter(isEnded);
    for (const { threadId } of ended.toReversed()) {
      if (!this.#isOver(agentName, KEPT_SHARE)) return;
      // The list does not show a run before it starts.
      if ((await this.#runRecords.listOpen({ agentName, threadId })).length > 0) continue;
      await this.#runRecords.clear({ agentName, threadId });
      await this.#threadIndex.remove({ agentName, threadId });
    }
  }

  #isOver(agentName: string, share: number): boolean {
    const threads = this.#storage.keyCount(threadsPartition(agentName), THREAD_IDS);
    return threads > this.#bounds.maxThreads * share || this.#storage.charCount > this.#bounds.maxChars * share;
  }

  async #readAll(agentName: string): Promise<ListedThread[]> {
    const all: ListedThread[] = [];
    let after: string | undefined;
    do {
      const page = await this.#threadIndex.list(agentName, { limit: 1000, after });
      all.push(...page.threads);
      after = page.next;
    } while (after !== undefined);
    return all;
  }
}

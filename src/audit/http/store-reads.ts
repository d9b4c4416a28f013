import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { StorageError } from '../../storage/storage-error.js';
import type { EventThread } from '../domain/event-thread.js';

/** Reads the store for one stream: survives outages, and can abandon a read that hangs. */
export class StoreReads {
  readonly #thread: EventThread;
  readonly #log: Logger;
  #isReachable = true;
  #isClosed = false;
  #abandon: ((reason: Error) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(thread: EventThread, log: Logger) {
    this.#thread = thread;
    this.#log = log;
  }

  /** @returns undefined if the store is unreachable, which is logged once per outage, or if the read is abandoned */
  async read<Result>(read: () => Promise<Result>, timeoutMs?: number): Promise<Result | undefined> {
    const abandoned = new Promise<never>((_, reject) => (this.#abandon = reject));
    if (timeoutMs !== undefined) this.limit(timeoutMs);
    try {
      const result = await Promise.race([read(), abandoned]);
      this.#isReachable = true;
      return result;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (this.#isReachable && !this.#isClosed) this.#warn(error);
      this.#isReachable = false;
      return undefined;
    } finally {
      clearTimeout(this.#timer);
      this.#abandon = undefined;
    }
  }

  /** Limits the current read, if any, to `timeoutMs` from now. */
  limit(timeoutMs: number): void {
    if (this.#abandon !== undefined) this.#timer = setTimeout(() => this.#abandon?.(noResponse()), timeoutMs);
  }

  /** Abandons the current read. */
  close(): void {
    this.#isClosed = true;
    this.#abandon?.(noResponse());
  }

  #warn(error: StorageError): void {
    const { agentName, threadId } = this.#thread;
    this.#log.warn(`[${agentName}] a stream waits for the store to recover: ${errorText(error)} (thread ${threadId})`);
  }
}

const noResponse = (): StorageError => new StorageError(new Error('The store did not respond in time.'));

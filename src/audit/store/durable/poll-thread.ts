import type { DurableStoreAdapter } from './durable-store-adapter.js';
import type { FollowThread } from '../thread-watchers.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 200;
const GROWTH = 1.25;

/**
 * Finds changes by reading the head of a thread: every 50 ms while there are some, with pauses that grow to 200 ms while
 * there are none. A read that fails counts as one that found nothing: whoever waits reads for themselves in the end.
 */
export function pollThread(storage: Pick<DurableStoreAdapter, 'readHead'>): FollowThread {
  return (thread, announce) => {
    let isStopped = false;
    let timer: NodeJS.Timeout | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    let lastVersion: string | undefined;
    const look = async (): Promise<void> => {
      try {
        const found = await storage.readHead(thread);
        if (isStopped) return;
        const version = found && `${found.head.epoch}-${found.head.version}`;
        pauseMs = version === lastVersion ? Math.min(pauseMs * GROWTH, MAX_PAUSE_MS) : FIRST_PAUSE_MS;
        lastVersion = version;
        announce(found?.head);
      } catch {
        pauseMs = MAX_PAUSE_MS;
      }
      if (!isStopped) timer = setTimeout(() => void look(), pauseMs).unref();
    };
    void look();
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  };
}

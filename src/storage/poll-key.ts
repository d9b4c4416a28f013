import type { KeyValueStore, StoredValue } from './key-value-store.js';

/**
 * Calls `onNews` after each change of a partition, and when news starts or stops arriving. Its argument says whether
 * news arrives.
 *
 * @returns a function that unsubscribes
 */
export type Subscribe = (partition: string, onNews: (isArriving: boolean) => void) => () => void;

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 200;
const GROWTH = 1.25;
/** How often a key is read while news arrives. News can be lost. */
const CHECK_MS = 2000;

/**
 * Follows a key by polling: every 50 ms while it changes, and with growing intervals up to 200 ms while it does not.
 * Also reports unchanged values. A failed read counts as no change.
 *
 * @param subscribe - for a service that announces changes. While news arrives, the key is read after each news, and
 * otherwise only every 2 s.
 */
export function pollKey(store: Pick<KeyValueStore, 'read'>, subscribe?: Subscribe): KeyValueStore['follow'] {
  return (address, onValue) => {
    let isStopped = false;
    let isReading = false;
    let hasNews = false;
    let isArriving = false;
    let timer: NodeJS.Timeout | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    let latest: StoredValue | undefined;
    const poll = async (): Promise<void> => {
      clearTimeout(timer);
      isReading = true;
      hasNews = false;
      try {
        const found = await store.read(address);
        if (isStopped) return;
        if (found?.tag !== latest?.tag) pauseMs = FIRST_PAUSE_MS;
        else pauseMs = Math.min(pauseMs * GROWTH, MAX_PAUSE_MS);
        if (isArriving) pauseMs = CHECK_MS;
        latest = found;
        onValue(found);
      } catch {
        pauseMs = MAX_PAUSE_MS;
      }
      isReading = false;
      if (isStopped) return;
      if (hasNews) void poll();
      else timer = setTimeout(() => void poll(), pauseMs).unref();
    };
    void poll();
    const unsubscribe = subscribe?.(address.partition, (isArrivingNow) => {
      isArriving = isArrivingNow;
      hasNews = true;
      if (!isReading) void poll();
    });
    return () => {
      isStopped = true;
      clearTimeout(timer);
      unsubscribe?.();
    };
  };
}

import type { KeyValueStore, StoredValue } from './key-value-store.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 200;
const GROWTH = 1.25;

/**
 * Follows a key by polling: every 50 ms while it changes, and with growing intervals up to 200 ms while it does not.
 * Also reports unchanged values. A failed read counts as no change.
 */
export function pollKey(store: Pick<KeyValueStore, 'read'>): KeyValueStore['follow'] {
  return (address, onValue) => {
    let isStopped = false;
    let timer: NodeJS.Timeout | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    let latest: StoredValue | undefined;
    const poll = async (): Promise<void> => {
      try {
        const found = await store.read(address);
        if (isStopped) return;
        pauseMs = found?.tag === latest?.tag ? Math.min(pauseMs * GROWTH, MAX_PAUSE_MS) : FIRST_PAUSE_MS;
        latest = found;
        onValue(found);
      } catch {
        pauseMs = MAX_PAUSE_MS;
      }
      if (!isStopped) timer = setTimeout(() => void poll(), pauseMs).unref();
    };
    void poll();
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  };
}

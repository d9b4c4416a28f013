import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadSummary } from '../api/thread-summary.js';

const REFRESH_MS = 4000;
const PAGE_LIMIT = 100;

/** A thread of the list, with its agent. */
export interface ListedThread extends ThreadSummary {
  readonly agentName: string;
}

export interface ThreadList {
  /** Threads of all agents, most recently active first; `undefined` until loaded. */
  readonly threads: readonly ListedThread[] | undefined;
  readonly hasMore: boolean;
  /** Why the last refresh failed, for the user. */
  readonly failure: string | undefined;
  readonly showMore: () => void;
  readonly refresh: () => void;
}

/** Polls the list of threads while the page is visible. */
export function useThreadList(api: TelemetryApi, agentNames: readonly string[]): ThreadList {
  const [threads, setThreads] = useState<readonly ListedThread[]>();
  const [hasMore, setHasMore] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [wanted, setWanted] = useState(PAGE_LIMIT);
  const refreshNow = useRef(() => {});

  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    const read = async (): Promise<void> => {
      if (isReading || document.hidden) return;
      isReading = true;
      clearTimeout(timer);
      try {
        const lists = await Promise.all(agentNames.map((name) => readThreads(api, name, wanted, signal)));
        const all = lists.flatMap((list) => list.threads);
        setThreads(all.toSorted((one, other) => (one.last_activity_at < other.last_activity_at ? 1 : -1)));
        setHasMore(lists.some((list) => list.hasMore));
        setFailure(undefined);
      } catch (error) {
        if (!signal.aborted) setFailure(describeFailure(error));
      } finally {
        isReading = false;
        if (!signal.aborted) timer = setTimeout(read, REFRESH_MS);
      }
    };
    const readNow = (): void => void read();
    refreshNow.current = readNow;
    document.addEventListener('visibilitychange', readNow);
    readNow();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', readNow);
    };
  }, [api, agentNames, wanted]);

  return {
    threads,
    hasMore,
    failure,
    showMore: useCallback(() => setWanted((count) => count + PAGE_LIMIT), []),
    refresh: useCallback(() => refreshNow.current(), []),
  };
}

async function readThreads(
  api: TelemetryApi,
  agentName: string,
  wanted: number,
  signal: AbortSignal,
): Promise<{ readonly threads: ListedThread[]; readonly hasMore: boolean }> {
  // By id, because a thread that gets an event between two pages appears on both.
  const threads = new Map<string, ListedThread>();
  let cursor: string | undefined;
  do {
    const page = await api.listThreads(agentName, PAGE_LIMIT, cursor, signal);
    for (const thread of page.threads) threads.set(thread.thread_id, { ...thread, agentName });
    cursor = page.cursor;
  } while (cursor !== undefined && threads.size < wanted);
  return { threads: [...threads.values()], hasMore: cursor !== undefined };
}

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadFilter, ThreadSummary } from '../api/thread-summary.js';

const REFRESH_MS = 4000;
/** Maximum age of an active run. An older one was lost with its process. */
const BUSY_MS = 3_600_000;

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

/**
 * Reads the list of threads when the page gets the focus, and every few seconds while a listed thread is busy or the
 * app is unreachable. Reads it twice after a `refresh`, because the list changes shortly after the events of a run.
 *
 * @param agentNames - `undefined` until they are known
 */
export function useThreadList(
  api: TelemetryApi,
  agentNames: readonly string[] | undefined,
  filter: ThreadFilter,
): ThreadList {
  const [threads, setThreads] = useState<readonly ListedThread[]>();
  const [hasMore, setHasMore] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [pages, setPages] = useState(1);
  const refreshNow = useRef(() => {});

  useEffect(() => {
    if (agentNames === undefined) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    let isStale = false;
    let isRefreshing = false;
    const names = agentNames.filter((name) => filter.agentName === '' || name === filter.agentName);
    const read = async (): Promise<void> => {
      isStale = isReading;
      if (isReading || document.hidden) return;
      isReading = true;
      clearTimeout(timer);
      const wasRefreshed = isRefreshing;
      isRefreshing = false;
      let goesOn = true;
      try {
        const lists = await Promise.all(names.map((name) => readThreads(api, name, filter, pages, signal)));
        const all = lists.flatMap((list) => list.threads);
        setThreads(all.toSorted((one, other) => (one.last_activity_at < other.last_activity_at ? 1 : -1)));
        setHasMore(lists.some((list) => list.hasMore));
        setFailure(undefined);
        goesOn = wasRefreshed || all.some(isBusy);
      } catch (error) {
        if (!signal.aborted) setFailure(describeFailure(error));
      } finally {
        isReading = false;
        if (!signal.aborted && (isStale || goesOn)) timer = setTimeout(read, isStale ? 0 : REFRESH_MS);
      }
    };
    const readNow = (): void => void read();
    refreshNow.current = () => {
      isRefreshing = true;
      readNow();
    };
    // Other pages and programs start threads, too.
    addEventListener('focus', readNow, { signal });
    document.addEventListener('visibilitychange', readNow, { signal });
    readNow();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [api, agentNames, filter, pages]);

  return {
    threads,
    hasMore,
    failure,
    showMore: useCallback(() => setPages((count) => count + 1), []),
    refresh: useCallback(() => refreshNow.current(), []),
  };
}

/** Whether a run of the thread is expected to end soon. */
export function isBusy({ status, last_activity_at: at }: ThreadSummary): boolean {
  return (status === 'queued' || status === 'running') && Date.now() - Date.parse(at) < BUSY_MS;
}

async function readThreads(
  api: TelemetryApi,
  agentName: string,
  filter: ThreadFilter,
  pages: number,
  signal: AbortSignal,
): Promise<{ readonly threads: ListedThread[]; readonly hasMore: boolean }> {
  // By id, because a thread that becomes active between two pages appears on both.
  const threads = new Map<string, ListedThread>();
  let cursor: string | undefined;
  for (let count = 0; count < pages; count += 1) {
    const page = await api.listThreads(agentName, filter, cursor, signal);
    for (const thread of page.threads) threads.set(thread.thread_id, { ...thread, agentName });
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return { threads: [...threads.values()], hasMore: cursor !== undefined };
}

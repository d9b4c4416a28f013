import { useEffect, useState } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import type { Run } from '../thread/run.js';
import { epochOf, type ThreadNews } from '../thread/thread-news.js';
import type { ThreadState } from '../thread/thread-state.js';

/** The app looks at the conversation for readers of an answer that is older than a second; in vain, after ten more. */
const LOOKS_AFTER_MS = [1500, 12_000] as const;
const LATEST_RUNS = 5;

/**
 * Reads the final events of the latest answers once more, or twice: they were made before the answers could be in the
 * conversation, so that whether these are there is not known from the live stream.
 */
export function useCommittedMark(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  { epoch, runs }: ThreadState,
  onNews: (news: readonly ThreadNews[]) => void,
): void {
  const [looks, setLooks] = useState<ReadonlyMap<string, number>>(new Map());
  const looksAt = (after: string): number => looks.get(after) ?? 0;
  const [after] = runs
    .slice(-LATEST_RUNS)
    .flatMap((run) => placeBeforeUnmarked(run, epoch))
    .filter((place) => looksAt(place) < LOOKS_AFTER_MS.length)
    .toSorted((one, other) => looksAt(one) - looksAt(other));
  const waitMs = after === undefined ? undefined : LOOKS_AFTER_MS[looksAt(after)];
  useEffect(() => {
    if (after === undefined) return undefined;
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      const page = await api.readEvent({ agentName, threadId }, after, stop.signal);
      if (page.isReset) return;
      const receivedAtMs = performance.now();
      onNews(page.events.map((event) => ({ type: 'event', epoch: epochOf(page.cursor), event, receivedAtMs })));
    };
    const count = (): void => {
      if (!stop.signal.aborted) setLooks((known) => new Map(known).set(after, (known.get(after) ?? 0) + 1));
    };
    const timer = setTimeout(() => void look().catch(goWithoutMark).finally(count), waitMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [api, agentName, threadId, after, waitMs, onNews]);
}

/** The cursor that the final event of an answer stands behind; empty for a run without one, and for a marked one. */
function placeBeforeUnmarked({ outcome }: Run, epoch: string | undefined): string[] {
  if (outcome.status !== 'answered' || outcome.isCommitted) return [];
  const before = outcome.sequence - 1;
  return [epoch === undefined ? String(before) : `${epoch}-${before}`];
}

/** The mark only adds to an answer that is there; that the app cannot be reached is told by its follower. */
function goWithoutMark(): void {}

import { useEffect } from 'preact/hooks';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { epochOf, type ThreadNews } from '../thread/thread-news.js';
import type { ThreadState } from '../thread/thread-state.js';

/** The app looks at the conversation for readers of an answer that is older than a second. */
const LOOK_AFTER_MS = 1500;

/**
 * Reads the event of the latest answer once more: it was made before the answer could be in the conversation, so that
 * whether it is there is not known from the live stream.
 */
export function useCommittedMark(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  { epoch, events, runs }: ThreadState,
  onNews: (news: readonly ThreadNews[]) => void,
): void {
  const last = events.at(-1);
  const outcome = last?.type === 'final' ? runs[last.runIndex]?.outcome : undefined;
  const sequence = outcome?.status === 'answered' && !outcome.isCommitted ? last?.sequence : undefined;
  useEffect(() => {
    if (sequence === undefined) return undefined;
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      const after = epoch === undefined ? String(sequence - 1) : `${epoch}-${sequence - 1}`;
      const page = await api.readEvents({ agentName, threadId }, after, stop.signal);
      if (page.isReset) return;
      const receivedAtMs = performance.now();
      onNews(page.events.map((event) => ({ type: 'event', epoch: epochOf(page.cursor), event, receivedAtMs })));
    };
    const timer = setTimeout(() => void look().catch(goWithoutMark), LOOK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [api, agentName, threadId, epoch, sequence, onNews]);
}

/** The mark only adds to an answer that is there; that the app cannot be reached is told by its follower. */
function goWithoutMark(): void {}

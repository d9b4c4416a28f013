import { useCallback, useEffect, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { ConversationPage, StoredMessage } from '../api/stored-message.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';

/** What the agent remembers of a thread, whatever became of its events. */
export interface StoredConversation {
  /** Oldest first; `undefined` until loaded, empty if there are none. */
  readonly messages: readonly StoredMessage[] | undefined;
  readonly hasMore: boolean;
  /** Why loading failed, for the user. */
  readonly failure: string | undefined;
  readonly showMore: () => void;
}

/** Loads the newest stored messages when `isWanted`, and earlier ones on request. */
export function useStoredConversation(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  isWanted: boolean,
): StoredConversation {
  const [page, setPage] = useState<ConversationPage>();
  const [failure, setFailure] = useState<string>();
  const read = useCallback(
    async (known: ConversationPage | undefined, signal?: AbortSignal) => {
      try {
        setFailure(undefined);
        const earlier = await api.readConversation({ agentName, threadId }, known?.before, signal);
        setPage({ messages: [...(earlier?.messages ?? []), ...(known?.messages ?? [])], before: earlier?.before });
      } catch (error) {
        if (signal?.aborted !== true) setFailure(describeFailure(error));
      }
    },
    [api, agentName, threadId],
  );
  useEffect(() => {
    if (!isWanted) return undefined;
    const stop = new AbortController();
    void read(undefined, stop.signal);
    return () => stop.abort();
  }, [isWanted, read]);
  return {
    messages: page?.messages,
    hasMore: page?.before !== undefined,
    failure,
    showMore: () => void read(page),
  };
}

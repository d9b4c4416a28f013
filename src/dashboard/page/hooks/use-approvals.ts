import { useCallback, useEffect, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { Approval, Decision } from '../api/approval.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';

/** Maximum delay of a thread's state after its events. */
const COMMIT_TIMEOUT_MS = 5000;
const COMMIT_POLL_MS = 250;

export interface Approvals {
  /** Calls that wait for a decision. */
  readonly open: readonly Approval[];
  /** Why reading them failed, for the user. */
  readonly failure: string | undefined;
  /** @returns what went wrong, for the user; `undefined` on success */
  readonly decide: (approvalId: string, decision: Decision) => Promise<string | undefined>;
}

/**
 * Reads the approvals that a thread waits for.
 *
 * @param revision - changes when they may have changed; `undefined` if the thread waits for none
 * @param waitingCalls - number of calls that wait according to the thread's events
 */
export function useApprovals(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  revision: string | undefined,
  waitingCalls: number,
): Approvals {
  const [open, setOpen] = useState<readonly Approval[]>([]);
  const [failure, setFailure] = useState<string>();
  /** Returns the number of open approvals; `undefined` if reading them failed. */
  const read = useCallback(
    async (signal?: AbortSignal) => {
      try {
        const approvals = await api.readApprovals({ agentName, threadId }, signal);
        const requested = approvals.filter(({ state }) => state === 'requested');
        setOpen(requested);
        setFailure(undefined);
        return requested.length;
      } catch (error) {
        if (signal?.aborted !== true) setFailure(describeFailure(error));
        return undefined;
      }
    },
    [api, agentName, threadId],
  );
  useEffect(() => {
    if (revision === undefined) {
      setOpen([]);
      return undefined;
    }
    const stop = new AbortController();
    const lastReadAtMs = Date.now() + COMMIT_TIMEOUT_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const readCommitted = async (): Promise<void> => {
      const found = await read(stop.signal);
      const isBehind = found !== undefined && found < waitingCalls && Date.now() < lastReadAtMs;
      if (isBehind && !stop.signal.aborted) timer = setTimeout(readCommitted, COMMIT_POLL_MS);
    };
    void readCommitted();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [revision, waitingCalls, read]);

  const decide = useCallback(
    async (approvalId: string, decision: Decision) => {
      try {
        await api.decide({ agentName, threadId }, approvalId, decision);
        return undefined;
      } catch (error) {
        return describeFailure(error);
      } finally {
        // Read again even after a failure, because somebody else may have decided.
        await read();
      }
    },
    [api, agentName, threadId, read],
  );
  return { open, failure, decide };
}

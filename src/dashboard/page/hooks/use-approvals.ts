import { useCallback, useEffect, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { Approval, Decision } from '../api/approval.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';

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
 */
export function useApprovals(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  revision: string | undefined,
): Approvals {
  const [open, setOpen] = useState<readonly Approval[]>([]);
  const [failure, setFailure] = useState<string>();
  const read = useCallback(
    async (signal?: AbortSignal) => {
      try {
        const approvals = await api.readApprovals({ agentName, threadId }, signal);
        setOpen(approvals.filter(({ state }) => state === 'requested'));
        setFailure(undefined);
      } catch (error) {
        if (signal?.aborted !== true) setFailure(describeFailure(error));
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
    void read(stop.signal);
    return () => stop.abort();
  }, [revision, read]);

  const decide = useCallback(
    async (approvalId: string, decision: Decision) => {
      try {
        await api.decide({ agentName, threadId }, approvalId, decision);
        return undefined;
      } catch (error) {
        return describeFailure(error);
      } finally {
        // Also after a failure: somebody else may have decided.
        await read();
      }
    },
    [api, agentName, threadId, read],
  );
  return { open, failure, decide };
}

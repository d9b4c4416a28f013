import { useMemo } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import type { Run } from '../thread/run.js';
import type { ThreadSession } from './use-thread.js';

/** What can be done with a run. Each returns what went wrong, for the user. */
export interface RunActions {
  readonly cancel: (correlationId: string) => Promise<string | undefined>;
  /** Sends the run's message again. */
  readonly retry: (run: Run) => Promise<string | undefined>;
}

/** Returns the same actions on each rendering, so that runs which did not change are not rendered again. */
export function useRunActions(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  { cancel, send }: Pick<ThreadSession, 'cancel' | 'send'>,
): RunActions {
  return useMemo(
    () => ({
      cancel,
      retry: async (run) => {
        try {
          // Events may hold a redacted message.
          const stored = await api.readRun({ agentName, threadId }, run.correlationId);
          return await send(stored?.message ?? run.requestMessage);
        } catch (error) {
          return describeFailure(error);
        }
      },
    }),
    [api, agentName, threadId, cancel, send],
  );
}

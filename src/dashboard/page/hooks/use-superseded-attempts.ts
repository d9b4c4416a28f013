import { useEffect, useMemo, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { TelemetryEvent } from '../api/telemetry-event.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { supersededEvents } from '../thread/superseded-events.js';
import type { ThreadState } from '../thread/thread-state.js';
import type { TimelineEvent } from '../thread/timeline-event.js';

/** Events of superseded attempts. */
export interface SupersededAttempts {
  /** Whether they are shown. */
  readonly isShown: boolean;
  readonly show: (isShown: boolean) => void;
  /** In order; `undefined` until loaded. */
  readonly events: readonly TimelineEvent[] | undefined;
  /** Why loading failed, for the user. */
  readonly failure: string | undefined;
}

/** Loads the events of all attempts while they are shown, and reloads them when an attempt is superseded. */
export function useSupersededAttempts(
  api: TelemetryApi,
  { agentName, threadId }: ThreadAddress,
  state: ThreadState,
): SupersededAttempts {
  const [isShown, setIsShown] = useState(false);
  const [record, setRecord] = useState<readonly TelemetryEvent[]>();
  const [failure, setFailure] = useState<string>();
  const { epoch, runs } = state;
  const attempts = runs.reduce((sum, { attempt }) => sum + attempt - 1, 0);
  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      try {
        setFailure(undefined);
        setRecord(await api.readAttempts({ agentName, threadId }, undefined, stop.signal));
      } catch (error) {
        if (!stop.signal.aborted) setFailure(describeFailure(error));
      }
    };
    void read();
    return () => stop.abort();
  }, [api, agentName, threadId, isShown, epoch, attempts]);

  const events = useMemo(
    () => (isShown && record !== undefined ? supersededEvents(record, state) : undefined),
    [isShown, record, state.runIndexes, attempts],
  );
  return { isShown, show: setIsShown, events, failure };
}

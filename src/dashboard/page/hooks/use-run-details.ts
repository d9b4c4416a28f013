import { useEffect, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { RunRecord } from '../api/run-record.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import { attemptOf } from '../api/telemetry-event.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { isEnded, type Run } from '../thread/run.js';
import { type TimelineEvent, toTimelineEvent } from '../thread/timeline-event.js';

/** What the events of a run's current attempt do not contain. */
export interface RunDetails {
  readonly record: RunRecord | undefined;
  /** Events of earlier attempts. */
  readonly earlier: readonly TimelineEvent[];
  /** Why reading failed, for the user. */
  readonly failure: string | undefined;
}

const UNKNOWN: RunDetails = { record: undefined, earlier: [], failure: undefined };

/**
 * Reads the details of a run when it is shown, when it ends, and when a new attempt begins. Use it in a component whose
 * key is the run.
 */
export function useRunDetails(api: TelemetryApi, { agentName, threadId }: ThreadAddress, run: Run): RunDetails {
  const { correlationId, attempt } = run;
  const [details, setDetails] = useState(UNKNOWN);
  const hasEnded = isEnded(run);
  useEffect(() => {
    const stop = new AbortController();
    const thread = { agentName, threadId };
    const read = async (): Promise<void> => {
      try {
        const [record, events] = await Promise.all([
          api.readRun(thread, correlationId, stop.signal),
          attempt > 1 ? api.readAttempts(thread, correlationId, stop.signal) : [],
        ]);
        const earlier = events.filter((event) => attemptOf(event) < attempt);
        if (stop.signal.aborted) return;
        setDetails({ record, earlier: earlier.map((event) => toTimelineEvent(event, -1)), failure: undefined });
      } catch (error) {
        if (!stop.signal.aborted) setDetails({ ...UNKNOWN, failure: describeFailure(error) });
      }
    };
    void read();
    return () => stop.abort();
  }, [api, agentName, threadId, correlationId, attempt, hasEnded]);
  return details;
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgentStats } from '../api/agent-stats.js';
import { describeFailure } from '../api/api-error.js';
import type { AppHealth } from '../api/app-health.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ListedThread } from './use-thread-list.js';

/** The figures of the app's runs. */
export interface Overview {
  /** One for each agent. */
  readonly stats: readonly AgentStats[];
  readonly health: AppHealth;
  /** Threads that wait for an approval, the most recently active first. */
  readonly waiting: readonly ListedThread[];
}

export interface OverviewReading {
  /** What was read last; `undefined` until the first reading has ended. */
  readonly overview: Overview | undefined;
  /** Why the last reading failed, for the user. */
  readonly failure: string | undefined;
}

const WAITING = { text: '', status: 'waiting_for_approval', sinceMs: undefined, agentName: '' } as const;

/**
 * Reads the figures of all agents when the page shows them, and again when `revision` changes. There is one reading at a
 * time: a change during a reading starts another one after it, so that frequent changes cannot starve the page.
 *
 * @param agentNames - `undefined` until they are known
 * @param sinceMs - length of the time to look at; `undefined` for all of it
 */
export function useOverview(
  api: TelemetryApi,
  agentNames: readonly string[] | undefined,
  sinceMs: number | undefined,
  revision: unknown,
): OverviewReading {
  const [reading, setReading] = useState<OverviewReading>({ overview: undefined, failure: undefined });
  const readNow = useRef(() => {});

  useEffect(() => {
    if (agentNames === undefined) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    let isReading = false;
    let isStale = false;
    const read = async (): Promise<void> => {
      isStale = isReading;
      if (isReading) return;
      isReading = true;
      try {
        const overview = await readOverview(api, agentNames, sinceMs, signal);
        if (!signal.aborted) setReading({ overview, failure: undefined });
      } catch (error) {
        if (!signal.aborted) setReading(({ overview }) => ({ overview, failure: describeFailure(error) }));
      } finally {
        isReading = false;
        if (isStale && !signal.aborted) void read();
      }
    };
    readNow.current = () => void read();
    return () => stop.abort();
  }, [api, agentNames, sinceMs]);
  // Runs after the effect above, whose changes need a reading, too.
  useEffect(() => readNow.current(), [api, agentNames, sinceMs, revision]);
  return reading;
}

async function readOverview(
  api: TelemetryApi,
  agentNames: readonly string[],
  sinceMs: number | undefined,
  signal: AbortSignal,
): Promise<Overview> {
  const readWaiting = async (agentName: string): Promise<ListedThread[]> => {
    const { threads } = await api.listThreads(agentName, WAITING, undefined, signal);
    return threads.map((thread) => ({ ...thread, agentName }));
  };
  const [health, stats, waiting] = await Promise.all([
    api.readHealth(signal),
    Promise.all(agentNames.map((name) => api.readStats(name, sinceMs, signal))),
    Promise.all(agentNames.map(readWaiting)),
  ]);
  return { health, stats, waiting: waiting.flat() };
}

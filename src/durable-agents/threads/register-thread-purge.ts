import { app } from '@azure/functions';
import { getClient, input } from 'durable-functions';
import { InvocationLog } from '../../functions/logger.js';
import type { AgentRegistry } from '../agent-registry.js';
import { purgeThreads, type PurgeThreadsOptions } from './purge-threads.js';

/** A purge then takes less than a minute, including the time to finish its current threads. */
const STOP_AFTER_MS = 40_000;
/** Not on the hour, when many other apps start their jobs. */
const EVERY_HOUR = '0 47 * * * *';
/** Schedule for tombstones alone, which are not urgent. A shorter interval would only wake an idle app. */
const EVERY_NIGHT = '0 47 2 * * *';

/** Registers the timer function `purge_threads`, which deletes idle threads and expired tombstones. */
export function registerThreadPurge({
  agents,
  ...options
}: PurgeThreadsOptions & { readonly agents: AgentRegistry }): void {
  app.timer('purge_threads', {
    schedule: options.ttlDays === undefined ? EVERY_NIGHT : EVERY_HOUR,
    extraInputs: [input.durableClient()],
    handler: (_timer, context) =>
      purgeThreads(options, {
        durableClient: getClient(context),
        agentNames: agents.list().map(({ agent }) => agent.name),
        now: new Date(),
        signal: AbortSignal.timeout(STOP_AFTER_MS),
        log: new InvocationLog(context),
      }),
  });
}

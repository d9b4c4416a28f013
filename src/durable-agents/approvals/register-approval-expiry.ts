import { app } from '@azure/functions';
import { type DurableClient, getClient, input } from 'durable-functions';
import { InvocationLog, type Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import type { AgentRegistry } from '../agent-registry.js';
import { signalResume } from '../client/decide-approval.js';
import type { WaitingThreads } from './waiting-threads.js';

const SIGNAL_TIMEOUT_MS = 5000;
const EVERY_FIVE_MINUTES = '30 */5 * * * *';

export interface ApprovalExpiryOptions {
  readonly agents: AgentRegistry;
  readonly waitingThreads: WaitingThreads;
}

/**
 * Registers the timer function `expire_approvals`, which resumes runs with expired approvals. Their calls are not made.
 */
export function registerApprovalExpiry(options: ApprovalExpiryOptions): void {
  app.timer('expire_approvals', {
    schedule: EVERY_FIVE_MINUTES,
    extraInputs: [input.durableClient()],
    handler: (_timer, context) => expireApprovals(getClient(context), new Date(), new InvocationLog(context), options),
  });
}

/**
 * Signals the entity of each thread with an expired approval.
 *
 * @throws AggregateError if some entities could not be signalled. Tries all others first.
 */
export async function expireApprovals(
  durableClient: DurableClient,
  now: Date,
  log: Logger,
  { agents, waitingThreads }: ApprovalExpiryOptions,
): Promise<void> {
  const failures: unknown[] = [];
  let count = 0;
  for (const { agent } of agents.list()) {
    for await (const thread of waitingThreads.due(agent.name, now)) {
      try {
        await withTimeout(SIGNAL_TIMEOUT_MS, () => signalResume(thread, durableClient));
        count += 1;
      } catch (error) {
        failures.push(error);
      }
    }
  }
  if (count > 0) log.info(`Approvals of ${count} threads have expired: their runs continue.`);
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} threads could not be signalled`);
}

import type { Logger } from '../../functions/logger.js';
import type { Agent } from '../agent.js';
import { runAgent, type RunAgentOptions, type RunResult } from '../run-agent.js';
import { runRequestSchema } from '../run-request.js';
import { createId } from '../thread/thread-id.js';

function ignore(): void {}

const NO_LOG: Logger = { info: ignore, warn: ignore, error: ignore };

/** Options that override the defaults of {@link runOnce}. */
export type RunOnceOptions = Partial<Omit<RunAgentOptions, 'agent' | 'request'>>;

/**
 * Runs an agent on one message as its durable entity does: with a callback, and with the history of the thread. Needs
 * no Functions host. Does not throw if the run fails: the callback gets the failure, and the response contains it.
 *
 * @param options - to continue an earlier run, pass the `history` that it returned
 */
export async function runOnce(agent: Agent, message: string, options: RunOnceOptions = {}): Promise<RunResult> {
  const request = runRequestSchema.parse({ message, correlationId: createId() });
  const defaults = { threadId: 'test-thread', history: [], log: NO_LOG, timeoutMs: 60_000 };
  const result = await runAgent({ ...defaults, agent, request, ...options });
  if (result.response === undefined) throw new Error('The run waits for the approval of a tool call.');
  return result;
}

import type { Agent } from '../../src/durable-agents/agent.js';
import { runAgent, type RunAgentOptions, type RunResult } from '../../src/durable-agents/run-agent.js';
import { createRecordingLog, type RecordingLog } from './recording-log.js';
import { runRequest } from './run-request.js';

/** Runs the agent on an empty thread, with overrides of the defaults. */
export async function runAgentOnce(
  agent: Agent,
  options: Partial<RunAgentOptions> = {},
): Promise<RunResult & { readonly log: RecordingLog }> {
  const log = createRecordingLog();
  const result = await runAgent({
    agent,
    threadId: 'thread-1',
    request: runRequest(),
    history: [],
    log,
    timeoutMs: 60_000,
    now: () => new Date('2026-01-07T15:40:02.000Z'),
    ...options,
  });
  if (result.response === undefined) throw new Error('The run waits for approval.');
  return { ...result, log };
}

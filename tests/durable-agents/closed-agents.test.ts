import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Agent, AgentStreamPart } from '../../src/durable-agents/agent.js';
import { text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';

/** An agent with an endless stream. */
function endlessAgent(next: () => Promise<AgentStreamPart>, close: () => Promise<void>): Agent {
  return {
    name: 'EndlessAgent',
    type: 'ChatAgent',
    async *run() {
      try {
        for (;;) yield await next();
      } finally {
        await close();
      }
    },
  };
}

const pausing = async (): Promise<AgentStreamPart> => {
  await new Promise((resolve) => void setTimeout(resolve, 100));
  return text('a');
};

describe('the stream of an agent', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is closed when the time limit ends the run', async () => {
    const close = vi.fn<() => Promise<void>>(async () => undefined);

    const running = runAgentOnce(endlessAgent(pausing, close), { callback: new RecordingCallback(), timeoutMs: 2000 });
    await vi.advanceTimersByTimeAsync(2000);

    expect((await running).response.messages?.[0]?.contents?.[0]).toMatchObject({ errorCode: 'run_timeout' });
    expect(close).toHaveBeenCalledOnce();
  });

  it('is closed when its parts are malformed', async () => {
    const close = vi.fn<() => Promise<void>>(async () => undefined);
    const malformed: AgentStreamPart = JSON.parse('{"kind":"text"}');

    const { response } = await runAgentOnce(endlessAgent(async () => malformed, close));

    expect(response.messages?.[0]?.contents?.[0]).toMatchObject({ errorCode: 'agent_error' });
    expect(close).toHaveBeenCalledOnce();
  });

  it.each([
    { what: 'a stream that hangs', next: () => new Promise<never>(() => {}), close: async () => undefined },
    { what: 'a close that hangs', next: pausing, close: () => new Promise<void>(() => {}) },
  ])('is not awaited beyond the time limit: $what', async ({ next, close }) => {
    const running = runAgentOnce(endlessAgent(next, close), { timeoutMs: 2000 });
    await vi.advanceTimersByTimeAsync(2000);

    const { log } = await running;
    expect(log.lines).toContainEqual(expect.stringMatching(/^warn \[EndlessAgent\].*could not be closed/));
  });
});

import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/durable-agents/errors.js';
import { finish, text } from '../support/agent-parts.js';
import { RecordingTracer } from '../support/recording-tracer.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';

const traceParent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a traced run', () => {
  it('starts with the ids of the run and the span of its caller, and ends with its answer', async () => {
    const tracer = new RecordingTracer();
    const agent = new ScriptedAgent([text('Sunny.'), finish()]);
    await runAgentOnce(agent, { tracer, attempt: 2, request: runRequest({ traceParent }) });
    expect(tracer.runs).toEqual([
      {
        agent,
        threadId: 'thread-1',
        correlationId: '0123456789abcdef0123456789abcdef',
        attempt: 2,
        requestedAt: '2026-01-07T15:40:00.000Z',
        traceParent,
        redact: expect.any(Function),
      },
    ]);
    expect(tracer.calls).toEqual([['startRun'], ['answered', 'Sunny.']]);
  });

  it('ends with the code of its failure', async () => {
    const tracer = new RecordingTracer();
    await runAgentOnce(new ScriptedAgent([new AgentError('rate_limited', 'Too many requests.')]), { tracer });
    expect(tracer.calls).toEqual([['startRun'], ['failed', 'rate_limited']]);
  });

  it('passes its trace to the agent, for model calls and tool calls', async () => {
    const tracer = new RecordingTracer();
    const agent = new ScriptedAgent([text('Sunny.'), finish()]);
    await runAgentOnce(agent, { tracer });
    expect(agent.calls[0]?.trace).toBeDefined();
  });

  it('is not traced again if its thread already contains the answer', async () => {
    const { history } = await runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]));
    const tracer = new RecordingTracer();
    await runAgentOnce(new ScriptedAgent(), { tracer, history });
    expect(tracer.calls).toEqual([]);
  });
});

import { InvocationContext } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { AgentRegistry } from '../../../src/durable-agents/agent-registry.js';
import { createHealthRoute, type HealthDetails } from '../../../src/durable-agents/http/health-route.js';
import { httpAnswer } from '../../support/http-answer.js';
import { httpRequest } from '../../support/http-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';

const known = {
  status: 'healthy',
  agents: [{ name: 'ScriptedAgent', type: 'ChatAgent', http_endpoint_enabled: false, mcp_tool_enabled: false }],
  agent_count: 1,
};

async function health(details?: HealthDetails) {
  const agents = new AgentRegistry();
  const handle = createHealthRoute(agents, details);
  agents.add({ agent: new ScriptedAgent(), httpEndpointEnabled: false });
  const logLines: string[] = [];
  const context = new InvocationContext({
    logHandler: (level, ...words) => void logLines.push(`${level} ${words.join(' ')}`),
  });
  return { answer: await httpAnswer(handle, httpRequest({ method: 'GET' }), context), logLines };
}

describe('the health endpoint', () => {
  it('lists the agents that are registered at the time', async () => {
    const { answer } = await health();

    expect(answer).toMatchObject({ status: 200, contentType: 'application/json', text: JSON.stringify(known) });
  });

  it('returns the details of the app after the agents', async () => {
    const { answer } = await health(async () => ({ callback_store: { kind: 'memory' } }));

    expect(answer.text).toBe(JSON.stringify({ ...known, callback_store: { kind: 'memory' } }));
  });

  it.each([
    { how: 'reject', details: () => Promise.reject(new Error('store is down')) },
    {
      how: 'throw',
      details: () => {
        throw new Error('store is down');
      },
    },
  ])('omits details that $how, and logs why', async ({ details }) => {
    const { answer, logLines } = await health(details);

    expect(answer).toMatchObject({ status: 200, text: JSON.stringify(known) });
    expect(logLines).toEqual([expect.stringMatching(/^warn.*store is down/)]);
  });
});

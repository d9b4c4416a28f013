import { InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { AgentRegistry } from '../../../src/durable-agents/agent-registry.js';
import { createHealthRoute } from '../../../src/durable-agents/http/health-route.js';
import { httpAnswer } from '../../support/http-answer.js';
import { httpRequest } from '../../support/http-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';

it('the health endpoint lists the agents that are registered when it is asked', async () => {
  const agents = new AgentRegistry();
  const handle = createHealthRoute(agents);
  agents.add({ agent: new ScriptedAgent(), httpEndpointEnabled: false });

  const answer = await httpAnswer(handle, httpRequest({ method: 'GET' }), new InvocationContext());

  expect(answer).toMatchObject({ status: 200, contentType: 'application/json' });
  expect(answer.text).toBe(
    JSON.stringify({
      status: 'healthy',
      agents: [{ name: 'ScriptedAgent', type: 'ChatAgent', http_endpoint_enabled: false, mcp_tool_enabled: false }],
      agent_count: 1,
    }),
  );
});

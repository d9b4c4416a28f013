import type { HttpHandler } from '@azure/functions';
import type { AgentRegistry } from '../agent-registry.js';
import { answering } from './answering.js';

/** `GET health`: which agents the app serves. */
export function createHealthRoute(agents: AgentRegistry): HttpHandler {
  return answering(() => {
    const list = agents.list().map(({ agent, httpEndpointEnabled }) => ({
      name: agent.name,
      type: agent.type,
      http_endpoint_enabled: httpEndpointEnabled,
      mcp_tool_enabled: false,
    }));
    return { jsonBody: { status: 'healthy', agents: list, agent_count: list.length } };
  });
}

import type { HttpRequest } from '@azure/functions';
import { HttpError } from '../../functions/http-error.js';
import { routeParameter } from '../../functions/route-parameter.js';
import type { AgentRegistry } from '../agent-registry.js';

/**
 * Returns the registered spelling of the route parameter `agentName`.
 *
 * @throws HttpError 404 if there is no such agent
 */
export function registeredAgentName(request: HttpRequest, agents: AgentRegistry): string {
  const name = routeParameter(request, 'agentName') ?? '';
  const registered = agents.find(name);
  if (registered === undefined) throw new HttpError(404, `There is no agent with the name "${name}".`);
  return registered.agent.name;
}

import type { HttpRequest } from '@azure/functions';
import { type AgentRegistry, requireThreadId } from '../../durable-agents/index.js';
import { HttpError } from '../../functions/http-error.js';
import type { EventThread } from '../domain/event-thread.js';

/**
 * The thread that a route names. The host has already decoded route parameters; decoding them again would let `%252F`
 * through as `/`.
 *
 * @throws HttpError 404 for an agent that is not registered, 400 for what is no thread id
 */
export function eventThreadOf(request: HttpRequest, agents: AgentRegistry): EventThread {
  return { agentName: agentNameOf(request, agents), threadId: requireThreadId(routeParameter(request, 'thread_id')) };
}

/** The registered spelling of the agent that a route names. @throws HttpError 404 when there is none */
export function agentNameOf(request: HttpRequest, agents: AgentRegistry): string {
  const name = routeParameter(request, 'agentName') ?? '';
  const registered = agents.find(name);
  if (registered === undefined) throw new HttpError(404, `There is no agent with the name "${name}".`);
  return registered.agent.name;
}

/**
 * With HTTP streaming, a query parameter whose name differs from that of a route parameter only by case gives the route
 * parameter its spelling (never its value).
 */
function routeParameter({ params }: HttpRequest, name: string): string | undefined {
  const spelling = Object.keys(params).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return spelling === undefined ? undefined : params[spelling];
}

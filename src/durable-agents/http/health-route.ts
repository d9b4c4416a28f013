import type { HttpHandler } from '@azure/functions';
import type { AgentRegistry } from '../agent-registry.js';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';

/** Further keys of the health answer, by their names on the wire. */
export type HealthDetails = () => Promise<Readonly<Record<string, unknown>>>;

/**
 * `GET health`: returns the app's agents and the keys of `details`.
 *
 * @param details - has no time limit. If it rejects, the error is logged and its keys are missing.
 */
export function createHealthRoute(agents: AgentRegistry, details?: HealthDetails): HttpHandler {
  return withErrorHandling(async (_request, _context, log) => {
    const list = agents.list().map(({ agent, httpEndpointEnabled }) => ({
      name: agent.name,
      type: agent.type,
      http_endpoint_enabled: httpEndpointEnabled,
      mcp_tool_enabled: false,
    }));
    return {
      jsonBody: { status: 'healthy', agents: list, agent_count: list.length, ...(await readDetails(details, log)) },
    };
  });
}

/** `GET health` for callers without a key: returns nothing about the agents. */
export function createProbeRoute(): HttpHandler {
  return withErrorHandling(() => ({ jsonBody: { status: 'healthy' } }));
}

async function readDetails(
  details: HealthDetails | undefined,
  log: Logger,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return await details?.();
  } catch (error) {
    log.warn(`Health details are missing: ${errorText(error)}`);
    return undefined;
  }
}

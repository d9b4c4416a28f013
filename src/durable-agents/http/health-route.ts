import type { HttpHandler } from '@azure/functions';
import type { AgentRegistry } from '../agent-registry.js';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';

/** Further keys of the health answer, by their names on the wire. */
export type HealthDetails = () => Promise<Readonly<Record<string, unknown>>>;

/**
 * `GET health`: the agents that the app serves, then the keys that `details` returns.
 *
 * @param details awaited without a limit; if it fails, that is logged and the answer has none of its keys
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

/** The health of an app for callers without a key: nothing about its agents. */
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

import type { HttpHandler } from '@azure/functions';
import type { AgentRegistry } from '../agent-registry.js';
import { errorText } from '../../functions/error-text.js';
import { invocationLog } from '../../functions/invocation-log.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';

/** Further keys of the health answer, by their names on the wire. */
export type HealthDetails = () => Promise<Readonly<Record<string, unknown>>>;

/**
 * `GET health`: which agents the app serves, and behind that what `details` tells.
 *
 * @param details waited for however long it takes; when it fails that is logged, and the answer does without
 */
export function createHealthRoute(agents: AgentRegistry, details?: HealthDetails): HttpHandler {
  return withErrorHandling(async () => {
    const list = agents.list().map(({ agent, httpEndpointEnabled }) => ({
      name: agent.name,
      type: agent.type,
      http_endpoint_enabled: httpEndpointEnabled,
      mcp_tool_enabled: false,
    }));
    return { jsonBody: { status: 'healthy', agents: list, agent_count: list.length, ...(await readDetails(details)) } };
  });
}

async function readDetails(details: HealthDetails | undefined): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return await details?.();
  } catch (error) {
    invocationLog.warn(`The details of health could not be had: ${errorText(error)}`);
    return undefined;
  }
}

import { app, type HttpFunctionOptions } from '@azure/functions';
import type { AgentRegistry } from '../durable-agents/index.js';
import { withErrorHandling } from '../functions/with-error-handling.js';
import { createOpenApiDocument } from './openapi-document.js';

export interface OpenApiRouteOptions {
  readonly agents: AgentRegistry;
  readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']>;
}

/** Registers `GET openapi.json`: the description of the API. */
export function registerOpenApiRoute({ agents, authLevel }: OpenApiRouteOptions): void {
  app.http('openapi', {
    methods: ['GET'],
    route: 'openapi.json',
    authLevel,
    handler: withErrorHandling(() => {
      const served = agents.list().filter(({ httpEndpointEnabled }) => httpEndpointEnabled);
      return { jsonBody: createOpenApiDocument(served.map(({ agent }) => agent.name)) };
    }),
  });
}

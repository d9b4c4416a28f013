import { afterAll, beforeAll, inject } from 'vitest';
import { AgentApi } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** `BASE_URL` of the shell. Vitest overwrites the variable in its test processes. */
    readonly baseUrl: string | undefined;
  }
}

/**
 * The API under test: that of `BASE_URL`, with the key `FUNCTION_KEY` if it wants one; without it, of the built app
 * under the local Functions host, with a quick model.
 */
export function useContractTarget(): () => AgentApi {
  const baseUrl = inject('baseUrl');
  let started: AppWithModel | undefined;
  let api: AgentApi;

  beforeAll(async () => {
    if (!baseUrl) started = await startAppWithModel(echoed);
    api = started?.api ?? new AgentApi(baseUrl ?? '', process.env['FUNCTION_KEY']);
  });

  afterAll(() => started?.stop());

  return () => api;
}

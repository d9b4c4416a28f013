import { afterAll, beforeAll, describe, inject } from 'vitest';
import { AgentApi } from '../support/agent-api.js';
import { startAppWithModel } from '../support/app-with-model.js';
import { allServices, type DurableServiceKind } from '../support/durable-services.js';
import { echoed } from '../support/echoed.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** `BASE_URL` of the shell. Vitest overwrites the variable in its test processes. */
    readonly baseUrl: string | undefined;
  }
}

interface StartedTarget {
  readonly api: AgentApi;
  stop(): Promise<void>;
}

interface ContractTarget {
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<StartedTarget>;
}

/**
 * The APIs under test. With `BASE_URL`, the API at that URL, with the key in `FUNCTION_KEY` if it is set. Otherwise the
 * built app in the local Functions host with a fast model: one app per store, the default store first.
 */
function contractTargets(): readonly [ContractTarget, ...ContractTarget[]] {
  const baseUrl = inject('baseUrl');
  if (!baseUrl) {
    const [memory, ...durable] = allServices;
    return [appOn(memory), ...durable.map(appOn)];
  }
  const api = new AgentApi(baseUrl, process.env['FUNCTION_KEY']);
  return [{ name: 'BASE_URL', isMissing: false, start: async () => ({ api, stop: async () => {} }) }];
}

function appOn(kind: DurableServiceKind): ContractTarget {
  return {
    name: kind.name,
    isMissing: kind.isMissing,
    start: async () => {
      const service = await kind.start();
      const target = await startAppWithModel(echoed, service.settings);
      return {
        api: target.api,
        stop: async () => {
          await target.stop();
          await service.close();
        },
      };
    },
  };
}

/** Starts the first target for the tests of a file. */
export function useContractTarget(): () => AgentApi {
  const [target] = contractTargets();
  return useTarget(target);
}

/** Describes each target in turn. */
export function describeTargets(name: string, tests: (api: () => AgentApi) => void): void {
  for (const target of contractTargets()) {
    describe.skipIf(target.isMissing)(`${name}: ${target.name}`, () => {
      tests(useTarget(target));
    });
  }
}

function useTarget(target: ContractTarget): () => AgentApi {
  let started: StartedTarget | undefined;
  beforeAll(async () => {
    started = await target.start();
  });
  afterAll(() => started?.stop());
  return () => {
    if (started === undefined) throw new Error('Use the API only while a test runs.');
    return started.api;
  };
}

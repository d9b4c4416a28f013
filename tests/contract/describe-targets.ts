import { afterAll, beforeAll, describe, inject } from 'vitest';
import { AgentApi } from '../support/agent-api.js';
import { startAppWithModel } from '../support/app-with-model.js';
import { durableServices } from '../support/durable-services.js';
import { echoed } from '../support/echoed.js';

interface StartedTarget {
  readonly api: AgentApi;
  stop(): Promise<void>;
}

interface Target {
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<StartedTarget>;
}

/** Describes the API of `BASE_URL`; without it, that of the built app with each store in turn. */
export function describeTargets(name: string, tests: (api: () => AgentApi) => void): void {
  for (const target of targetsOf(inject('baseUrl'))) {
    describe.skipIf(target.isMissing)(`${name}: ${target.name}`, () => {
      let started: StartedTarget;
      beforeAll(async () => void (started = await target.start()), 120_000);
      afterAll(() => started.stop());

      tests(() => started.api);
    });
  }
}

function targetsOf(baseUrl: string | undefined): Target[] {
  if (baseUrl) {
    const api = new AgentApi(baseUrl, process.env['FUNCTION_KEY']);
    return [{ name: 'BASE_URL', isMissing: false, start: async () => ({ api, stop: async () => {} }) }];
  }
  const memory: Target = { name: 'memory', isMissing: false, start: () => startAppWithModel(echoed) };
  const durable = durableServices.map((kind): Target => {
    const startTarget = async (): Promise<StartedTarget> => {
      const service = await kind.start();
      const target = await startAppWithModel(echoed, service.settings);
      return {
        api: target.api,
        stop: async () => {
          await target.stop();
          await service.close();
        },
      };
    };
    return { name: kind.name, isMissing: kind.isMissing, start: startTarget };
  });
  return [memory, ...durable];
}

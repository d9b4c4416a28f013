import type { TestProject } from 'vitest/node';
import { closeTableAccounts } from '../support/azurite-table-server.js';
import { allServices, type DurableServiceKind } from '../support/durable-services.js';
import { echoed } from '../support/echoed.js';
import { startLocalApp } from '../support/local-app.js';
import { modelSettings, startScriptedModel } from '../support/scripted-model.js';
import type { ContractTarget } from './contract-target.js';

/**
 * Vitest's global setup of the contract suite. With `BASE_URL`, the only target is the API at that URL, with the key in
 * `FUNCTION_KEY` if it is set. Otherwise it starts the built app in the local Functions host with a fast model: one app
 * per store, the default store first.
 *
 * @returns stops what it started
 */
export async function setup({ config, provide }: TestProject): Promise<() => Promise<void>> {
  const { baseUrl } = config.provide;
  if (baseUrl) {
    provide('contractTargets', [{ name: 'BASE_URL', baseUrl, functionKey: process.env['FUNCTION_KEY'] }]);
    return async () => {};
  }
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.toReversed()) await stopOne();
    await closeTableAccounts();
  };
  const model = await startScriptedModel(echoed);
  stops.push(() => model.close());
  const start = async (kind: DurableServiceKind): Promise<ContractTarget> => {
    if (kind.isMissing) return { name: kind.name, baseUrl: undefined };
    const service = await kind.start();
    stops.push(() => service.close());
    const app = await startLocalApp({ ...modelSettings(model), ...service.settings });
    stops.push(() => app.stop());
    return { name: kind.name, baseUrl: app.baseUrl };
  };
  const [memory, ...durable] = allServices;
  const starting = [start(memory), ...durable.map(start)] as const;
  try {
    provide('contractTargets', await Promise.all(starting));
  } catch (error) {
    // The others must have started before they can be stopped.
    await Promise.allSettled(starting);
    await stop();
    throw error;
  }
  return stop;
}

import { type AppWithModel, startAppWithModel } from './app-with-model.js';
import { openTableAccount } from './azurite-table-server.js';
import type { Fault } from './fault.js';
import { type FaultProxy, startFaultProxy } from './fault-proxy.js';
import type { ModelAnswer } from './scripted-model.js';

/** The built app with a table that a test can make unreachable. */
export interface AppWithFaultyStore extends AppWithModel {
  readonly proxy: FaultProxy;
  /** Parts of the store's connection string. They must not leave the app. */
  readonly secrets: readonly string[];
}

/** Starts the app with a new table and a model that follows `script`. @param fault in effect from the start */
export async function startAppWithFaultyStore(
  script: (message: string) => ModelAnswer,
  fault: Fault = { kind: 'none' },
): Promise<AppWithFaultyStore> {
  const account = await openTableAccount();
  const proxy = await startFaultProxy(account.port);
  await proxy.setFault(fault);
  const connectionString = account.connectionStringThrough(proxy.port);
  const target = await startAppWithModel(script, { CALLBACK_STORE: 'table', AzureWebJobsStorage: connectionString });
  const parts = ['AccountName', 'AccountKey'].map((name) => new RegExp(`${name}=([^;]*)`).exec(connectionString)?.[1]);
  return {
    ...target,
    proxy,
    secrets: [...parts.filter((part) => part !== undefined), `:${proxy.port}`],
    stop: async () => {
      await target.stop();
      await proxy.close();
    },
  };
}

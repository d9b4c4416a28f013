import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AgentApi } from './agent-api.js';
import { type LocalApp, startLocalApp } from './local-app.js';

/** The built app in a host with a journal, so that it can be killed and restarted. */
export interface RestartableApp {
  /** The same after a restart. */
  readonly baseUrl: string;
  readonly api: AgentApi;
  /** Kills the host with SIGKILL, and restarts it on the same port with its journal. */
  killAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRestartableApp(environment: Readonly<Record<string, string>>): Promise<RestartableApp> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'restartable-app-'));
  let app: LocalApp = await startLocalApp(environment, { dataFolder });
  const { baseUrl } = app;
  const port = Number(new URL(baseUrl).port);
  return {
    baseUrl,
    api: new AgentApi(baseUrl),
    killAndRestart: async () => {
      await app.kill();
      app = await startLocalApp(environment, { dataFolder, port });
    },
    stop: async () => {
      await app.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

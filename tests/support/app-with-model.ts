import { AgentApi } from './agent-api.js';
import { type LocalApp, startLocalApp } from './local-app.js';
import {
  type ModelAnswer,
  modelSettings,
  type ModelRequest,
  type ScriptedModel,
  startScriptedModel,
} from './scripted-model.js';

export interface AppWithModel {
  readonly api: AgentApi;
  readonly app: LocalApp;
  readonly model: ScriptedModel;
  stop(): Promise<void>;
}

/** Starts the built app with a model that follows `script`. */
export async function startAppWithModel(
  script: (message: string, body: ModelRequest['body']) => ModelAnswer,
  environment: Readonly<Record<string, string>> = {},
): Promise<AppWithModel> {
  const model = await startScriptedModel(script);
  const app = await startLocalApp({ ...modelSettings(model), ...environment });
  return {
    api: new AgentApi(app.baseUrl),
    app,
    model,
    stop: async () => {
      await app.stop();
      await model.close();
    },
  };
}

import { AgentApi } from './agent-api.js';
import { type LocalApp, startLocalApp } from './local-app.js';
import { type ModelAnswer, type ModelRequest, type ScriptedModel, startScriptedModel } from './scripted-model.js';

/** A recognizable key, so that tests can search for leaks. */
export const API_KEY = 'key-0f8fad5bd9cb469fa165';

/** The model settings of the app. */
export function modelSettings({ endpoint }: ScriptedModel): Readonly<Record<string, string>> {
  return {
    AZURE_OPENAI_ENDPOINT: endpoint,
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'test-deployment',
    AZURE_OPENAI_API_KEY: API_KEY,
  };
}

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

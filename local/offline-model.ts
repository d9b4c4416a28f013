import { answerOffline } from './offline-answer.js';

const deployment = 'offline';

/** A model on this machine with the Azure OpenAI API and canned answers. */
export interface OfflineModel {
  /** Base URL on loopback. */
  readonly endpoint: string;
  /** The settings that make an app use this model. */
  readonly settings: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts the offline model on a free port of loopback. It calls tools that fit the message, answers everything else with
 * a narration, streamed in pieces of about one token, 40 of them a second, and reports usage.
 */
export async function startOfflineModel(): Promise<OfflineModel> {
  // A development dependency, loaded only when the offline model is used.
  const { LLMock } = await import('@copilotkit/aimock');
  const model = new LLMock({ port: 0, host: '127.0.0.1', journalMaxEntries: 1 });
  model.addFixture({
    match: { predicate: () => true },
    response: (request) => answerOffline(request.messages, request.tools ?? [], request.response_format),
    chunkSize: 4,
    streamingProfile: { ttft: 200, tps: 40 },
  });
  const endpoint = await model.start();
  return {
    endpoint,
    settings: {
      AZURE_OPENAI_ENDPOINT: endpoint,
      AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: deployment,
      AZURE_OPENAI_API_KEY: 'not-a-key-offline-model',
    },
    close: () => model.stop(),
  };
}

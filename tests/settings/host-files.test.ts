import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

async function readJson(name: string): Promise<unknown> {
  return JSON.parse(await readFile(path.resolve(__dirname, '../..', name), 'utf8'));
}

describe('the host files', () => {
  it('include a host.json that needs no other settings, polls every second and redelivers soon after a crash', async () => {
    expect(await readJson('host.json')).toMatchObject({
      version: '2.0',
      // Well above AGENT_RUN_TIMEOUT_SECONDS, and also the maximum of the Consumption plan.
      functionTimeout: '00:10:00',
      logging: { applicationInsights: { samplingSettings: { isEnabled: true } } },
      extensionBundle: { id: 'Microsoft.Azure.Functions.ExtensionBundle', version: '[4.38.1, 5.0.0)' },
      extensions: {
        durableTask: {
          hubName: 'default',
          maxConcurrentEntityFunctions: 100,
          maxConcurrentOrchestratorFunctions: 100,
          maxEntityOperationBatchSize: 1,
          storageProvider: { maxQueuePollingInterval: '00:00:01', controlQueueVisibilityTimeout: '00:01:00' },
        },
      },
    });
  });

  it('include a local.settings.json template without values for the model', async () => {
    expect(await readJson('local.settings.json.template')).toEqual({
      IsEncrypted: false,
      Values: {
        FUNCTIONS_WORKER_RUNTIME: 'node',
        AzureWebJobsStorage: 'UseDevelopmentStorage=true',
        AZURE_OPENAI_ENDPOINT: '',
        AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: '',
        AZURE_OPENAI_API_KEY: '',
      },
    });
  });
});

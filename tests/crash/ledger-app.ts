import { randomInt } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { app } from '@azure/functions';
import { z } from 'zod';
import { registerCallbackRoutes } from '../../src/audit/http/callback-routes.js';
import { StreamHub } from '../../src/audit/http/stream-hub.js';
import { ConversationAuditTrail } from '../../src/audit/recording/conversation-audit-trail.js';
import { StoreHealth } from '../../src/audit/recording/store-health.js';
import { createCallbackEventStore } from '../../src/audit/store/create-callback-event-store.js';
import { AgentFunctionApp, defineTool, type ToolEffect } from '../../src/durable-agents/index.js';
import { trackResponses } from '../../src/functions/outgoing-response.js';
import { createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { createChatCompletionAgent } from '../../src/openai/chat-completion-agent.js';
import { loadSettings } from '../../src/settings/load-settings.js';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';

// A function app like that of src/index.ts. Each call of its agent's tools appends a line to a file, so that a test can
// count the calls. It runs in a separate process, which the test kills.

const ledgerFile = process.env['LEDGER_FILE'] ?? '';
const settings = loadSettings(process.env);
app.setup({ enableHttpStream: true });
trackResponses();

const storage = createKeyValueStore(settings.callbackStore, console);
const store = createCallbackEventStore(settings.callbackStore, storage, console);
const streams = new StreamHub({
  ...settings.callbackStreams,
  maxRunDurationMs: 2 * settings.agent.runTimeoutSeconds * 1000,
  store,
  log: console,
});
const agentApp = new AgentFunctionApp({
  storage,
  onThreadDeleted: (thread) => store.clear(thread),
  runEvents: streams,
  defaultCallback: new ConversationAuditTrail({ store, health: new StoreHealth(store), log: settings.callbackLog }),
  runTimeoutSeconds: settings.agent.runTimeoutSeconds,
  maxAttempts: settings.agent.maxAttempts,
});
agentApp.addAgent(
  createChatCompletionAgent({
    ...settings.openAI,
    client: createAzureOpenAIClient(settings.openAI),
    name: 'LedgerAgent',
    instructions: 'You keep a ledger.',
    tools: [
      ledgerTool('note', 'repeatable', 150),
      ledgerTool('note_once', 'once', 40),
      ledgerTool('note_approved', 'once', 40, true),
    ],
  }),
);
registerCallbackRoutes({
  store,
  streams,
  answerLimits: settings.callbackAnswers,
  pollLimits: settings.callbackStreams,
  access: agentApp.access,
  threadIndex: agentApp.threadIndex,
  authLevel: agentApp.httpAuthLevel,
});
app.hook.appTerminate(async () => {
  await Promise.all([store.close(), storage.close()]);
});

/** A tool that has its effect immediately, but takes up to `maxMs` to return. */
function ledgerTool(name: string, effect: ToolEffect, maxMs: number, needsApproval = false) {
  return defineTool({
    name,
    description: 'Appends a line to the ledger.',
    parameters: z.object({ text: z.string() }),
    effect,
    needsApproval,
    execute: async ({ text }, { idempotencyKey }) => {
      await appendFile(ledgerFile, `${name} ${idempotencyKey}\n`);
      await delay(randomInt(maxMs));
      return `noted ${text}`;
    },
  });
}

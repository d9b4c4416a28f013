import { app } from '@azure/functions';
import { createCallbackAgent } from './agents/callback-agent.js';
import { registerCallbackRoutes } from './audit/callback-routes.js';
import { ConversationAuditTrail } from './audit/conversation-audit-trail.js';
import { EventStreams } from './audit/event-streams.js';
import { MemoryCallbackEventStore } from './audit/memory-callback-event-store.js';
import { registerDashboardRoutes } from './dashboard/dashboard-routes.js';
import { AgentFunctionApp, invocationLog } from './durable-agents/index.js';
import { createAzureOpenAIClient } from './openai/azure-openai-client.js';
import { loadSettings } from './settings.js';

const settings = loadSettings(process.env);
for (const name of ['OPENAI_BASE_URL', 'OPENAI_CUSTOM_HEADERS']) {
  if (!process.env[name]) continue;
  invocationLog.warn(`${name} is set and ignored: this app talks to AZURE_OPENAI_ENDPOINT, with its own key.`);
  delete process.env[name];
}

// Without streaming the host drops the body of a chunked request, and answers only when a body is complete.
app.setup({ enableHttpStream: true });

const { endpoint, apiKey, apiVersion, deployment, streamIdleTimeoutMs } = settings.openAI;
const store = new MemoryCallbackEventStore({ ...settings.callbackStore, log: invocationLog });
const streams = new EventStreams({ ...settings.callbackStreams, store });
const agentApp = new AgentFunctionApp({
  runEvents: streams,
  defaultCallback: new ConversationAuditTrail({ store, log: invocationLog, previewChars: settings.logPreviewChars }),
  maxMessageBytes: settings.maxMessageBytes,
  runTimeoutSeconds: settings.runTimeoutSeconds,
});
const client = createAzureOpenAIClient({ endpoint, apiKey, apiVersion, timeoutMs: streamIdleTimeoutMs });
agentApp.addAgent(createCallbackAgent({ client, deployment, streamIdleTimeoutMs }));
registerDashboardRoutes();
registerCallbackRoutes({ store, streams, agents: agentApp.agents, authLevel: agentApp.httpAuthLevel });

import { app } from '@azure/functions';
import { createCallbackAgent } from './agents/callback-agent.js';
import { createMathAgent } from './agents/math-agent.js';
import { createRefundAgent } from './agents/refund-agent.js';
import { createWeatherAgent } from './agents/weather-agent.js';
import { registerOpenApiRoute } from './api/openapi-route.js';
import { registerCallbackRoutes } from './audit/http/callback-routes.js';
import { ConversationAuditTrail } from './audit/recording/conversation-audit-trail.js';
import { StreamHub } from './audit/http/stream-hub.js';
import { createCallbackEventStore, createEventPurge } from './audit/store/create-callback-event-store.js';
import { StoreHealth } from './audit/recording/store-health.js';
import { registerDashboardRoutes } from './dashboard/dashboard-routes.js';
import { AgentFunctionApp, easyAuth } from './durable-agents/index.js';
import { processLog } from './functions/logger.js';
import { trackResponses } from './functions/outgoing-response.js';
import { createAzureOpenAIClient } from './openai/azure-openai-client.js';
import { createKeyValueStore } from './storage/create-key-value-store.js';
import { loadSettings } from './settings/load-settings.js';
import { bindInvocation } from './telemetry/bind-invocation.js';
import { Telemetry } from './telemetry/telemetry.js';

const settings = loadSettings(process.env);
for (const warning of settings.warnings) console.warn(warning);
// The SDK would add these headers regardless of its options.
delete process.env['OPENAI_CUSTOM_HEADERS'];

// Without streaming, the host drops the body of a chunked request, and sends a response only when its body is complete.
app.setup({ enableHttpStream: true });
trackResponses();

if (settings.callbackStore.kind === 'memory') {
  const what =
    'CALLBACK_STORE is memory: events, run records, the list of threads and AGENT_THREAD_TTL_DAYS cover this process only.';
  if (process.env['WEBSITE_INSTANCE_ID']) {
    console.warn(`${what} Other instances do not have them. Set CALLBACK_STORE to table, redis or cosmos.`);
  } else {
    console.info(what);
  }
}
const storage = createKeyValueStore(settings.callbackStore, processLog);
const store = createCallbackEventStore(settings.callbackStore, storage, processLog);
const health = new StoreHealth(store);
const streams = new StreamHub({
  ...settings.callbackStreams,
  // A run may have to wait for another run of its thread.
  maxRunDurationMs: 2 * settings.agent.runTimeoutSeconds * 1000,
  store,
  log: processLog,
});
const auditTrail = new ConversationAuditTrail({ store, health, log: settings.callbackLog });
const telemetry = settings.telemetry && new Telemetry(settings.telemetry, processLog);
if (telemetry !== undefined) {
  app.hook.appStart(() => telemetry.start());
  app.hook.preInvocation(bindInvocation);
}
const agentApp = new AgentFunctionApp({
  storage,
  onThreadDeleted: (thread) => store.clear(thread),
  runEvents: streams,
  healthDetails: () => health.details(),
  defaultCallback: auditTrail,
  ...settings.conversation,
  allowedRoles: settings.agent.allowedRoles,
  ...settings.redaction,
  authorize: settings.agent.authorize === 'easyauth' ? easyAuth() : undefined,
  tracer: telemetry?.tracer,
  prices: settings.prices,
  maxMessageBytes: settings.agent.maxMessageBytes,
  runTimeoutSeconds: settings.agent.runTimeoutSeconds,
  maxAttempts: settings.agent.maxAttempts,
  approvalTimeoutHours: settings.agent.approvalTimeoutHours,
  waitSeconds: settings.agent.waitSeconds,
  waitTimeoutStatus: settings.agent.waitTimeoutStatus,
  ...(settings.callbackStore.kind === 'memory' && {
    memoryBounds: { maxThreads: settings.callbackStore.maxThreads, maxChars: settings.callbackStore.maxBytes },
    unknownRunHint: 'CALLBACK_STORE is memory: each process knows only the runs that it has accepted itself.',
  }),
});
const model = {
  ...settings.openAI,
  client: createAzureOpenAIClient(settings.openAI),
  maxAnswerBytes: settings.agent.maxAnswerBytes,
  quotesErrors: settings.callbackLog.previewChars > 0,
};
agentApp.addAgent(createCallbackAgent(model));
agentApp.addAgent(createWeatherAgent(model));
agentApp.addAgent(createMathAgent(model));
agentApp.addAgent(createRefundAgent(model));
registerDashboardRoutes();
registerOpenApiRoute({ agents: agentApp.agents, authLevel: agentApp.httpAuthLevel });
registerCallbackRoutes({
  store,
  streams,
  answerLimits: settings.callbackAnswers,
  pollLimits: settings.callbackStreams,
  access: agentApp.access,
  threadIndex: agentApp.threadIndex,
  authLevel: agentApp.httpAuthLevel,
});

const purge = createEventPurge(settings.callbackStore, storage, processLog, (before) =>
  agentApp.removeOldStats(before),
);
// At night in most places, and not on the hour, when many other apps start their jobs.
if (purge !== undefined) app.timer('purge_callback_events', { schedule: '0 17 3 * * *', handler: purge });

app.hook.appTerminate(async () => {
  await Promise.all([store.close(), storage.close(), telemetry?.stop()]);
});

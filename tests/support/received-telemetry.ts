import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { Telemetry } from '../../src/telemetry/telemetry.js';
import type { ExporterOptions } from '../../src/telemetry/start-sdk.js';
import type { TelemetrySettings } from '../../src/telemetry/telemetry-settings.js';
import type { RunAgentOptions } from '../../src/durable-agents/run-agent.js';
import type { Logger } from '../../src/functions/logger.js';
import { chatAgent } from './ask-model.js';
import { type ModelReply, startModelServer } from './model-server.js';
import { runAgentOnce } from './run-agent-once.js';

/** Unregisters the global OpenTelemetry SDK of this process. */
export function forgetSdk(): void {
  for (const api of [context, metrics, propagation, trace]) api.disable();
}

/** Runs work with telemetry, then stops telemetry, which flushes it. */
export async function withTelemetry(
  settings: Partial<TelemetrySettings>,
  log: Logger,
  work: (telemetry: Telemetry) => Promise<unknown>,
  exporterOptions?: ExporterOptions,
): Promise<void> {
  const telemetry = new Telemetry(
    { serviceName: 'my-app', capturesContent: false, metricIntervalMs: 60_000, ...settings },
    log,
  );
  await telemetry.start(exporterOptions);
  try {
    await work(telemetry);
  } finally {
    await telemetry.stop();
  }
}

/** Runs an agent with a model that replies like this. @returns the address of the model */
export async function tracedRun(
  reply: ModelReply,
  { tracer }: Telemetry,
  options: Partial<RunAgentOptions> = {},
): Promise<URL> {
  const { endpoint } = await startModelServer(reply);
  const agent = chatAgent({ endpoint, agent: { parameters: { temperature: 0.5, maxOutputTokens: 100 } } });
  await runAgentOnce(agent, { tracer, ...options });
  return new URL(endpoint);
}

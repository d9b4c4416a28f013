import type { AgentUsage } from '../durable-agents/index.js';

/**
 * Attribute names of the OpenTelemetry conventions for generative AI (version 0.1), of Azure's Agents view, and of this
 * app. They are listed here because the packages of the conventions change while these are in development.
 */
export const names = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agent: 'gen_ai.agent.name',
  conversation: 'gen_ai.conversation.id',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  temperature: 'gen_ai.request.temperature',
  maxTokens: 'gen_ai.request.max_tokens',
  reasoningLevel: 'gen_ai.request.reasoning.level',
  outputType: 'gen_ai.output.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  toolName: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  toolDescription: 'gen_ai.tool.description',
  toolCallId: 'gen_ai.tool.call.id',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  systemInstructions: 'gen_ai.system_instructions',
  tokenModality: 'gen_ai.token.modality',
  errorType: 'error.type',
  /** Azure's Agents view filters by it. Its exporter for traces does not copy it to child spans. */
  mainAgent: 'microsoft.gen_ai.main_agent.name',
  mainConversation: 'microsoft.gen_ai.main_agent.conversation_id',
  correlationId: 'durable_agent.correlation_id',
  attempt: 'durable_agent.attempt',
  /** Seconds from the acceptance of the request to the start of this attempt. */
  queueSeconds: 'durable_agent.queue_seconds',
  /** The same as `error.type`, which Azure's exporter drops. */
  errorCode: 'durable_agent.error_code',
  suspended: 'durable_agent.suspended',
  cost: 'durable_agent.cost',
  costCurrency: 'durable_agent.cost_currency',
} as const;

/** Returns the token counts that the model reported. */
export function usageAttributes(usage: AgentUsage | undefined): Record<string, number> {
  if (usage === undefined) return {};
  const { inputTokenCount, outputTokenCount, extra } = usage;
  const cached = extra?.['cached_input_token_count'];
  const reasoning = extra?.['reasoning_output_token_count'];
  return {
    [names.inputTokens]: inputTokenCount,
    [names.outputTokens]: outputTokenCount,
    ...(cached !== undefined && { [names.cachedInputTokens]: cached }),
    ...(reasoning !== undefined && { [names.reasoningTokens]: reasoning }),
  };
}

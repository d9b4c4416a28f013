import { z } from 'zod';
import { ModelEndpointError, parseModelEndpoint } from '../openai/model-endpoint.js';
import { decimal, integer, required } from './environment-values.js';

/** The environment variables that say which model is called, and how. */
export const openAIEnvironment = {
  AZURE_OPENAI_ENDPOINT: required(
    'the endpoint of an Azure OpenAI resource, as https://NAME.openai.azure.com',
  ).superRefine((value, context) => {
    try {
      parseModelEndpoint(value);
    } catch (error) {
      if (!(error instanceof ModelEndpointError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  }),
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: required('the name of a chat model deployment').regex(
    /^[A-Za-z0-9._-]+$/,
    'expected the name of a chat model deployment: letters, digits, "." "_" "-"',
  ),
  AZURE_OPENAI_API_KEY: z
    .string()
    .regex(/^[\x21-\x7E]+$/, 'expected a key: printable ASCII characters without spaces')
    .optional(),
  AZURE_OPENAI_API_VERSION: z
    .string()
    .regex(/^[A-Za-z0-9.-]+$/, 'expected a version, as 2024-10-21, or v1 for the v1 API')
    .optional(),
  AZURE_OPENAI_TOKEN_SCOPE: z
    .string()
    .regex(
      /^(https|api):\/\/[\x21-\x7E]+\/\.default$/,
      'expected a scope, as https://cognitiveservices.azure.com/.default',
    )
    .optional(),
  // Node's own fetch gives up after 300 s without headers, and the SDK would call the model again.
  AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS: integer(1, 280).default(180),
  AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: integer(1, 600).default(60),
  AZURE_OPENAI_REASONING_EFFORT: z
    .string()
    .regex(/^[a-z]{1,20}$/, 'expected what the model knows, as none, minimal, low, medium, high or xhigh')
    .optional(),
  AZURE_OPENAI_MAX_OUTPUT_TOKENS: integer(1, 10_000_000).optional(),
  AZURE_OPENAI_TEMPERATURE: decimal(0, 2).optional(),
};

const environment = z.object({ ...openAIEnvironment, AGENT_RUN_TIMEOUT_SECONDS: z.number() });

export function toOpenAISettings(values: z.infer<typeof environment>) {
  const { endpoint, tokenScope, notice } = parseModelEndpoint(
    values.AZURE_OPENAI_ENDPOINT,
    values.AZURE_OPENAI_API_VERSION,
  );
  return {
    endpoint,
    /** How the endpoint was understood, when that is not obvious. */
    notice,
    /** Scope of a Microsoft Entra ID token for the model. */
    tokenScope: values.AZURE_OPENAI_TOKEN_SCOPE ?? tokenScope,
    deployment: values.AZURE_OPENAI_CHAT_DEPLOYMENT_NAME,
    /** `undefined`: `DefaultAzureCredential` is used. */
    apiKey: values.AZURE_OPENAI_API_KEY,
    /** Capped below the time limit of a run, so that a silent model is named as such. */
    firstTokenTimeoutMs: Math.min(
      values.AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS * 1000,
      values.AGENT_RUN_TIMEOUT_SECONDS * 950,
    ),
    streamIdleTimeoutMs: values.AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS * 1000,
    /** Sent with each request; what is `undefined` is not sent. */
    parameters: {
      reasoningEffort: values.AZURE_OPENAI_REASONING_EFFORT,
      maxOutputTokens: values.AZURE_OPENAI_MAX_OUTPUT_TOKENS,
      temperature: values.AZURE_OPENAI_TEMPERATURE,
    },
  };
}

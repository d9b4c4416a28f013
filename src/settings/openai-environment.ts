import { z } from 'zod';
import { API_VERSION, ModelEndpointError, parseModelEndpoint } from '../openai/model-endpoint.js';
import { decimal, integer, required } from './environment-values.js';

/** The name of a deployment, or of a model of another server, such as `llama3.1:8b` or `meta-llama/Llama-3.1-8B`. */
const MODEL_NAME = /^[A-Za-z0-9@_~][A-Za-z0-9._:/@+~-]*$/;
/** The dated API has the name in its path. */
const PATH_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const expectedName = 'expected a chat model deployment name: letters, digits, ".", "_" and "-"';

/** The environment variables that configure the model. */
export const openAIEnvironment = {
  AZURE_OPENAI_ENDPOINT: required(
    'the endpoint of an Azure OpenAI resource, such as https://NAME.openai.azure.com',
  ).superRefine((value, context) => {
    try {
      parseModelEndpoint(value);
    } catch (error) {
      if (!(error instanceof ModelEndpointError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  }),
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: required('the name of a chat model deployment').regex(MODEL_NAME, expectedName),
  AZURE_OPENAI_API_KEY: z
    .string()
    .regex(/^[\x21-\x7E]+$/, 'expected a key: printable ASCII characters without spaces')
    .optional(),
  AZURE_OPENAI_API_VERSION: z
    .string()
    .regex(API_VERSION, 'expected a version such as 2024-10-21 or 2025-01-01-preview, or v1 for the v1 API')
    .optional(),
  AZURE_OPENAI_TOKEN_SCOPE: z
    .string()
    .regex(
      /^(https|api):\/\/[\x21-\x7E]+\/\.default$/,
      'expected a scope such as https://cognitiveservices.azure.com/.default',
    )
    .optional(),
  // Node's fetch times out after 300 s without headers, and the SDK would retry.
  AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS: integer(1, 280).default(180),
  AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: integer(1, 600).default(60),
  AZURE_OPENAI_REASONING_EFFORT: z
    .string()
    .regex(
      /^[a-z]{1,20}$/,
      'expected an effort that the model supports, such as none, minimal, low, medium, high or xhigh',
    )
    .optional(),
  AZURE_OPENAI_MAX_OUTPUT_TOKENS: integer(1, 10_000_000).optional(),
  AZURE_OPENAI_TEMPERATURE: decimal(0, 2).optional(),
};

const environment = z.object({ ...openAIEnvironment, AGENT_RUN_TIMEOUT_SECONDS: z.number() });

interface OpenAIProblem {
  readonly variable: keyof typeof openAIEnvironment;
  readonly problem: string;
}

/** Reports the name of a model that the dated API cannot have in its path. Invalid variables are reported elsewhere. */
export function openAIProblems(values: Partial<z.infer<typeof environment>>): OpenAIProblem[] {
  const { AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: name, AZURE_OPENAI_ENDPOINT: endpoint } = values;
  if (name === undefined || endpoint === undefined || PATH_NAME.test(name) || !MODEL_NAME.test(name)) return [];
  try {
    const { api } = parseModelEndpoint(endpoint, values.AZURE_OPENAI_API_VERSION).endpoint;
    return api === 'v1' ? [] : [{ variable: 'AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', problem: expectedName }];
  } catch (error) {
    if (error instanceof ModelEndpointError) return [];
    throw error;
  }
}

export function toOpenAISettings(values: z.infer<typeof environment>) {
  const { endpoint, tokenScope, notice } = parseModelEndpoint(
    values.AZURE_OPENAI_ENDPOINT,
    values.AZURE_OPENAI_API_VERSION,
  );
  return {
    endpoint,
    /** How the endpoint was interpreted, if that is not obvious. */
    notice,
    /** Scope of a Microsoft Entra ID token for the model. */
    tokenScope: values.AZURE_OPENAI_TOKEN_SCOPE ?? tokenScope,
    deployment: values.AZURE_OPENAI_CHAT_DEPLOYMENT_NAME,
    /** If `undefined`, requests use `DefaultAzureCredential`. */
    apiKey: values.AZURE_OPENAI_API_KEY,
    /** Capped below the run timeout, so that a silent model is reported as such. */
    firstTokenTimeoutMs: Math.min(
      values.AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS * 1000,
      values.AGENT_RUN_TIMEOUT_SECONDS * 950,
    ),
    streamIdleTimeoutMs: values.AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS * 1000,
    /** Sent with each request, except those that are `undefined`. */
    parameters: {
      reasoningEffort: values.AZURE_OPENAI_REASONING_EFFORT,
      maxOutputTokens: values.AZURE_OPENAI_MAX_OUTPUT_TOKENS,
      temperature: values.AZURE_OPENAI_TEMPERATURE,
    },
  };
}

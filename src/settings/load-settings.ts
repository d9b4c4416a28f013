import { z } from 'zod';
import { callbackStoreEnvironment, storeProblems, toCallbackStoreSettings } from './callback-store-environment.js';
import { integer, isServiceUrl } from './environment-values.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment does not let the app start: the message has a line for each variable and what was expected. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(['Settings are missing or wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

const required = (expected: string) => z.string({ error: `is missing; expected ${expected}` });

const endpoint = required('the endpoint of an Azure OpenAI resource, as https://NAME.openai.azure.com').refine(
  isEndpoint,
  'expected an https URL, as https://NAME.openai.azure.com, without /openai and what follows it (http on loopback only)',
);

function isEndpoint(value: string): boolean {
  return isServiceUrl(value) && !/\/openai(\/|$)/i.test(new URL(value).pathname);
}

const environmentSchema = z
  .object({
    AZURE_OPENAI_ENDPOINT: endpoint,
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
      .regex(/^[A-Za-z0-9.-]+$/, 'expected a version, as 2024-10-21')
      .default('2024-10-21'),
    AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: integer(1, 600).default(60),
    AGENT_RUN_TIMEOUT_SECONDS: integer(1, 3600).default(240),
    AGENT_MAX_MESSAGE_BYTES: integer(1, 1_048_576).default(262_144),
    ...callbackStoreEnvironment,
    CALLBACK_STREAM_MAX_SECONDS: integer(1, 3600).default(100),
    CALLBACK_STREAM_MAX_BYTES: integer(1, 1_000_000_000).default(1_048_576),
    CALLBACK_STREAM_MAX_OPEN: integer(1, 100_000).default(500),
    CALLBACK_STREAM_MAX_OPEN_PER_THREAD: integer(1, 100_000).default(50),
    CALLBACK_LOG_PREVIEW_CHARS: integer(0, 1_000_000).default(120),
    TASKHUB_NAME: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, 'expected 3 to 45 letters and digits, beginning with a letter')
      .default('default'),
    FUNCTIONS_WORKER_RUNTIME: z.literal('node', 'expected node').default('node'),
  })
  .superRefine(
    (values, context) => {
      for (const { variable, problem } of storeProblems(values)) {
        context.addIssue({ code: 'custom', path: [variable], message: problem });
      }
    },
    // Also when other variables are wrong: one error names them all.
    { when: () => true },
  );

const settingsSchema = environmentSchema.transform((values) => ({
  openAI: {
    /** Base address of the Azure OpenAI resource. */
    endpoint: values.AZURE_OPENAI_ENDPOINT,
    deployment: values.AZURE_OPENAI_CHAT_DEPLOYMENT_NAME,
    /** Absent: `DefaultAzureCredential` is used. */
    apiKey: values.AZURE_OPENAI_API_KEY,
    apiVersion: values.AZURE_OPENAI_API_VERSION,
    streamIdleTimeoutMs: values.AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS * 1000,
  },
  runTimeoutSeconds: values.AGENT_RUN_TIMEOUT_SECONDS,
  maxMessageBytes: values.AGENT_MAX_MESSAGE_BYTES,
  callbackStore: toCallbackStoreSettings(values),
  callbackStreams: {
    maxDurationMs: values.CALLBACK_STREAM_MAX_SECONDS * 1000,
    maxBytes: values.CALLBACK_STREAM_MAX_BYTES,
    maxOpen: values.CALLBACK_STREAM_MAX_OPEN,
    maxOpenPerThread: values.CALLBACK_STREAM_MAX_OPEN_PER_THREAD,
  },
  /** How much of an update is logged; 0: none of its text. */
  logPreviewChars: values.CALLBACK_LOG_PREVIEW_CHARS,
}));

/** What the app is configured with, checked. */
export type Settings = z.infer<typeof settingsSchema>;

/**
 * Reads the settings from environment variables. An empty variable counts as unset, and one that still holds a `<` as
 * a placeholder that was never filled in.
 *
 * @throws SettingsError that names every variable that is wrong, and what it should be; never what it holds
 */
export function loadSettings(environment: Environment): Settings {
  const names = Object.keys(environmentSchema.shape);
  const given = names
    .map((name) => [name, environment[name]?.trim()] as const)
    .filter((entry) => entry[1] !== undefined && entry[1] !== '');
  const placeholders = given.filter(([, value]) => value?.includes('<')).map(([name]) => name);
  const parsed = settingsSchema.safeParse(Object.fromEntries(given));
  const problems = [
    ...placeholders.map((name) => `${name} still holds a placeholder; fill it in, or leave it empty if it is optional`),
    ...(parsed.error?.issues ?? [])
      .filter((issue) => !placeholders.includes(String(issue.path[0])))
      .map((issue) => `${String(issue.path[0])}${issue.message.startsWith('is ') ? ' ' : ': '}${issue.message}`),
  ];
  if (problems.length > 0 || !parsed.success) throw new SettingsError(problems);
  return parsed.data;
}

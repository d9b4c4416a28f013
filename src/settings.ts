import { z } from 'zod';

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment does not let the app start: the message has a line for each variable and what was expected. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(['The settings are not complete:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const required = (expected: string) => z.string({ error: `is missing; expected ${expected}` });

const endpoint = required('the endpoint of an Azure OpenAI resource, as https://NAME.openai.azure.com').refine(
  isEndpoint,
  'expected an https URL, as https://NAME.openai.azure.com, without /openai and what follows it (http on loopback only)',
);

function isEndpoint(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(value);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK_HOST.test(hostname));
  return isSafe && `${search}${hash}${username}${password}` === '' && !/\/openai(\/|$)/i.test(pathname);
}

function integer(fallback: number, min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .default(fallback);
}

const environmentSchema = z.object({
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
  AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: integer(60, 1, 600),
  AGENT_RUN_TIMEOUT_SECONDS: integer(240, 1, 3600),
  AGENT_MAX_MESSAGE_BYTES: integer(262_144, 1, 1_048_576),
  CALLBACK_STORE_MAX_THREADS: integer(1000, 1, 1_000_000),
  CALLBACK_STORE_MAX_EVENTS_PER_THREAD: integer(10_000, 1, 10_000_000),
  CALLBACK_STORE_MAX_BYTES: integer(67_108_864, 1, 1_000_000_000_000),
  CALLBACK_STREAM_MAX_SECONDS: integer(100, 1, 3600),
  CALLBACK_STREAM_MAX_BYTES: integer(1_048_576, 1, 1_000_000_000),
  CALLBACK_STREAM_MAX_OPEN: integer(500, 1, 100_000),
  CALLBACK_STREAM_MAX_OPEN_PER_THREAD: integer(50, 1, 100_000),
  CALLBACK_LOG_PREVIEW_CHARS: integer(120, 0, 1_000_000),
  TASKHUB_NAME: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, 'expected 3 to 45 letters and digits, beginning with a letter')
    .default('default'),
  AzureWebJobsStorage: z.string().optional(),
  FUNCTIONS_WORKER_RUNTIME: z.literal('node', 'expected node').default('node'),
});

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
  callbackStore: {
    maxThreads: values.CALLBACK_STORE_MAX_THREADS,
    maxEventsPerThread: values.CALLBACK_STORE_MAX_EVENTS_PER_THREAD,
    /** UTF-8 bytes of the events' JSON. */
    maxBytes: values.CALLBACK_STORE_MAX_BYTES,
  },
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

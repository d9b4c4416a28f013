import { z } from 'zod';
import { agentEnvironment, toAgentSettings } from './agent-environment.js';
import { callbackLogEnvironment, toCallbackLogSettings } from './callback-log-environment.js';
import { callbackStoreEnvironment, storeProblems, toCallbackStoreSettings } from './callback-store-environment.js';
import {
  callbackStreamEnvironment,
  toCallbackAnswerSettings,
  toCallbackStreamSettings,
} from './callback-stream-environment.js';
import { conversationEnvironment, toConversationSettings } from './conversation-environment.js';
import type { Environment } from './environment-values.js';
import { hostEnvironment, hostProblems, taskHubName } from './host-environment.js';
import { openAIEnvironment, openAIProblems, toOpenAISettings } from './openai-environment.js';
import { priceEnvironment } from './price-environment.js';
import { redactionEnvironment, toRedactionSettings } from './redaction-environment.js';
import { settingWarnings } from './setting-warnings.js';
import { telemetryEnvironment, toTelemetrySettings } from './telemetry-environment.js';

/** Invalid settings. The message has one line per variable with what was expected. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(['Settings are missing or invalid:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

/** To add a setting, add its variable and its property to the file of its subject. */
const environmentSchema = z
  .object({
    ...openAIEnvironment,
    ...agentEnvironment,
    ...conversationEnvironment,
    ...callbackStoreEnvironment,
    ...callbackStreamEnvironment,
    ...callbackLogEnvironment,
    ...redactionEnvironment,
    ...telemetryEnvironment,
    ...priceEnvironment,
    ...hostEnvironment,
  })
  .superRefine(
    (values, context) => {
      const problems = [...openAIProblems(values), ...storeProblems(values), ...hostProblems(values)];
      for (const { variable, problem } of problems) {
        context.addIssue({ code: 'custom', path: [variable], message: problem });
      }
    },
    // Check even if other variables are invalid, so that one error reports them all.
    { when: () => true },
  );

/** Names of all environment variables that the app reads. */
export const settingNames: readonly string[] = Object.keys(environmentSchema.shape);

const settingsSchema = environmentSchema.transform((values) => ({
  openAI: toOpenAISettings(values),
  agent: toAgentSettings(values),
  conversation: toConversationSettings(values),
  callbackStore: toCallbackStoreSettings(values, taskHubName(values)),
  callbackStreams: toCallbackStreamSettings(values),
  callbackAnswers: toCallbackAnswerSettings(values),
  callbackLog: toCallbackLogSettings(values),
  redaction: toRedactionSettings(values),
  /** Prices by deployment. `undefined` if none is set. */
  prices: values.AGENT_PRICES,
  /** `undefined` if no sink is set. */
  telemetry: toTelemetrySettings(values),
}));

/** The validated configuration of the app. */
export type Settings = z.infer<typeof settingsSchema> & {
  /** Lines to log at startup. */
  readonly warnings: readonly string[];
};

/**
 * Reads the settings from environment variables. Treats empty variables as unset.
 *
 * @throws SettingsError naming every invalid variable and what was expected, never its value
 */
export function loadSettings(environment: Environment): Settings {
  const given = settingNames
    .map((name) => [name, (environment[name] ?? '').replaceAll(OUTER_BLANKS, '')] as const)
    .filter(([, value]) => value !== '');
  const unfilled = new Map(given.flatMap(([name, value]) => unfilledProblem(name, value)));
  const parsed = settingsSchema.safeParse(Object.fromEntries(given));
  const problems = [
    ...unfilled.values(),
    ...(parsed.error?.issues ?? [])
      .filter((issue) => !unfilled.has(String(issue.path[0])))
      .map((issue) => `${String(issue.path[0])}${issue.message.startsWith('expected') ? ':' : ''} ${issue.message}`),
  ];
  if (problems.length > 0 || !parsed.success) throw new SettingsError(problems);
  return { ...parsed.data, warnings: settingWarnings(environment, settingNames, parsed.data.openAI.notice) };
}

/** Spaces and invisible characters around a value that was copied from a page. */
const OUTER_BLANKS = /^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu;
/** Placeholders of people, shells, pipelines and deployment tools: `<NAME>`, `${NAME}`, `${{ NAME }}`, `$(NAME)`, `#{NAME}#`. */
const PLACEHOLDER = /<|\$\{[^}]*\}|\$\([^)]*\)|#\{[^}]*\}#/;

/** Reports a value that was not filled in: a placeholder, or a reference that Azure did not resolve; also quotes. */
function unfilledProblem(name: string, value: string): [name: string, problem: string][] {
  if (/^@Microsoft\.(KeyVault|AppConfiguration)\(/i.test(value)) {
    const problem =
      `${name} is an unresolved Key Vault reference; ` +
      "grant the app's identity access to the secret, or set the value itself on your machine";
    return [[name, problem]];
  }
  // Docker's --env-file and the portal keep the quotes that a shell removes.
  if (/^(["']).*\1$/s.test(value)) return [[name, `${name} is in quotes; remove them`]];
  // JSON may hold any character.
  if (PLACEHOLDER.test(value) && !/^[[{]/.test(value)) {
    return [[name, `${name} still contains a placeholder; fill it in, or leave it empty if it is optional`]];
  }
  return [];
}

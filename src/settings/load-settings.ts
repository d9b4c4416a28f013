import { z } from 'zod';
import { agentEnvironment, toAgentSettings } from './agent-environment.js';
import { callbackLogEnvironment, toCallbackLogSettings } from './callback-log-environment.js';
import { callbackStoreEnvironment, storeProblems, toCallbackStoreSettings } from './callback-store-environment.js';
import {
  callbackStreamEnvironment,
  toCallbackAnswerSettings,
  toCallbackStreamSettings,
} from './callback-stream-environment.js';
import type { Environment } from './environment-values.js';
import { hostEnvironment, hostProblems } from './host-environment.js';
import { openAIEnvironment, toOpenAISettings } from './openai-environment.js';
import { settingWarnings } from './setting-warnings.js';

/** The environment does not let the app start: the message has a line for each variable and what was expected. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(['Settings are missing or wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

/** To add a setting, add its variable and its member to the file of its concern. */
const environmentSchema = z
  .object({
    ...openAIEnvironment,
    ...agentEnvironment,
    ...callbackStoreEnvironment,
    ...callbackStreamEnvironment,
    ...callbackLogEnvironment,
    ...hostEnvironment,
  })
  .superRefine(
    (values, context) => {
      for (const { variable, problem } of [...storeProblems(values), ...hostProblems(values)]) {
        context.addIssue({ code: 'custom', path: [variable], message: problem });
      }
    },
    // Also when other variables are wrong: one error names them all.
    { when: () => true },
  );

/** Names of all environment variables that the app reads. */
export const settingNames: readonly string[] = Object.keys(environmentSchema.shape);

const settingsSchema = environmentSchema.transform((values) => ({
  openAI: toOpenAISettings(values),
  agent: toAgentSettings(values),
  callbackStore: toCallbackStoreSettings(values),
  callbackStreams: toCallbackStreamSettings(values),
  callbackAnswers: toCallbackAnswerSettings(values),
  callbackLog: toCallbackLogSettings(values),
}));

/** What the app is configured with, checked. */
export type Settings = z.infer<typeof settingsSchema> & {
  /** What the log should say about the settings at start-up, one finished line each. */
  readonly warnings: readonly string[];
};

/**
 * Reads the settings from environment variables. An empty variable counts as unset.
 *
 * @throws SettingsError that names every variable that is wrong, and what it should be; never what it holds
 */
export function loadSettings(environment: Environment): Settings {
  const given = settingNames
    .map((name) => [name, environment[name]?.trim() ?? ''] as const)
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

/** A value that stands for the real one: a placeholder, or a reference that Azure did not resolve. */
function unfilledProblem(name: string, value: string): [name: string, problem: string][] {
  if (/^@Microsoft\.(KeyVault|AppConfiguration)\(/i.test(value)) {
    const problem =
      `${name} holds a Key Vault reference that was not resolved; ` +
      "give the app's identity access to the secret, or, on your machine, set the value itself";
    return [[name, problem]];
  }
  if (value.includes('<')) {
    return [[name, `${name} still holds a placeholder; fill it in, or leave it empty if it is optional`]];
  }
  return [];
}

import type { Environment } from './environment-values.js';
import { findUnknownVariables } from './unknown-variables.js';

/**
 * Variables that this app ignores: some would make the OpenAI SDK call another address or send other headers; others
 * are the names that other Azure samples use.
 */
const IGNORED_VARIABLES: Readonly<Record<string, string>> = {
  OPENAI_BASE_URL: 'this app calls AZURE_OPENAI_ENDPOINT, with its own key',
  OPENAI_CUSTOM_HEADERS: 'this app calls AZURE_OPENAI_ENDPOINT, with its own headers',
  OPENAI_API_VERSION: 'this app reads AZURE_OPENAI_API_VERSION',
};

/** Returns the lines to log about the environment. They never contain the value of a variable. */
export function settingWarnings(
  environment: Environment,
  knownNames: readonly string[],
  endpointNotice: string | undefined,
): string[] {
  return [
    ...(endpointNotice === undefined ? [] : [endpointNotice]),
    ...Object.entries(IGNORED_VARIABLES)
      .filter(([name]) => environment[name])
      .map(([name, reason]) => `${name} is set and ignored: ${reason}.`),
    ...findUnknownVariables(environment, knownNames).map(
      ({ name, nearest }) => `${name} is not a setting of this app and has no effect. Did you mean ${nearest}?`,
    ),
  ];
}

import type { Environment } from './environment-values.js';
import { findUnknownVariables } from './unknown-variables.js';

/**
 * Variables that the OpenAI SDK reads, with which it would call another address or send other headers, and variables
 * that samples for Azure use under another name than this app.
 */
const IGNORED_VARIABLES: Readonly<Record<string, string>> = {
  OPENAI_BASE_URL: 'this app calls AZURE_OPENAI_ENDPOINT, with its own key',
  OPENAI_CUSTOM_HEADERS: 'this app calls AZURE_OPENAI_ENDPOINT, with its own headers',
  OPENAI_API_VERSION: 'this app reads AZURE_OPENAI_API_VERSION',
};

/** What the log should say about the environment, one finished line each. Never what a variable holds. */
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

import type { Environment } from './environment-values.js';
import { settingNames } from './load-settings.js';
import { findUnknownVariables } from './unknown-variables.js';

/**
 * Returns why the environment seems to configure a model although AZURE_OPENAI_ENDPOINT is not set. A misspelled variable
 * must not silently select the offline model.
 *
 * @returns a sentence, or `undefined` if the endpoint is set or no variable suggests a model
 */
export function missingEndpointProblem(environment: Environment): string | undefined {
  if (environment['AZURE_OPENAI_ENDPOINT']?.trim()) return undefined;
  const unknown = findUnknownVariables(environment, settingNames);
  const misspelled = unknown.find(({ nearest }) => nearest === 'AZURE_OPENAI_ENDPOINT');
  if (misspelled !== undefined) {
    return `AZURE_OPENAI_ENDPOINT is not set, but ${misspelled.name} is. Did you mean AZURE_OPENAI_ENDPOINT?`;
  }
  const key = environment['AZURE_OPENAI_API_KEY']?.trim()
    ? 'AZURE_OPENAI_API_KEY'
    : unknown.find(({ nearest }) => nearest === 'AZURE_OPENAI_API_KEY')?.name;
  return key && `${key} is set, but AZURE_OPENAI_ENDPOINT is not.`;
}

import type { Environment } from './environment-values.js';
import { settingNames } from './load-settings.js';
import { findUnknownVariables } from './unknown-variables.js';

/**
 * Says why the environment seems to name a model although AZURE_OPENAI_ENDPOINT is not set: somebody who misspelt it
 * must not get canned answers instead.
 *
 * @returns a finished sentence; `undefined` when the endpoint is set, or nothing else speaks of a model
 */
export function missingEndpointProblem(environment: Environment): string | undefined {
  if (environment['AZURE_OPENAI_ENDPOINT']?.trim()) return undefined;
  const misspelt = findUnknownVariables(environment, settingNames).find(
    ({ nearest }) => nearest === 'AZURE_OPENAI_ENDPOINT',
  );
  if (misspelt !== undefined) {
    return `AZURE_OPENAI_ENDPOINT is not set, but ${misspelt.name} is. Did you mean AZURE_OPENAI_ENDPOINT?`;
  }
  if (!environment['AZURE_OPENAI_API_KEY']?.trim()) return undefined;
  return 'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not.';
}

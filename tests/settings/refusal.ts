import { loadSettings, SettingsError } from '../../src/settings/load-settings.js';

export const required = {
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o-mini',
};

/** Returns the SettingsError message for these variables plus the required ones; empty if they are valid. */
export function refusal(variables: Readonly<Record<string, string | undefined>>): string {
  try {
    loadSettings({ ...required, ...variables });
    return '';
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
}

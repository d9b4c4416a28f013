/** What an app gets when neither the environment nor local.settings.json says otherwise. */
const defaults: Readonly<Record<string, string>> = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  TASKHUB_NAME: 'default',
};

/** Where the settings of an app come from. */
export interface SettingSources {
  /** The real environment; wins over the file and the defaults. An empty value counts as unset. */
  readonly environment: NodeJS.ProcessEnv;
  /** `Values` of local.settings.json. */
  readonly fileValues: Readonly<Record<string, string>>;
}

/** One setting as the app will see it; undefined when it is nowhere, or empty. */
export function readSetting(sources: SettingSources, name: string): string | undefined {
  return sources.environment[name] || sources.fileValues[name] || defaults[name] || undefined;
}

/**
 * The settings to add to the environment of the app.
 *
 * @param overrides - settings that win over everything, for example those of the offline model.
 */
export function collectSettings(
  sources: SettingSources,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const missing = Object.entries({ ...defaults, ...withoutEmpty(sources.fileValues) }).filter(
    ([name]) => !sources.environment[name],
  );
  return { ...Object.fromEntries(missing), ...overrides };
}

function withoutEmpty(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

const hubNameOverride = 'AzureFunctionsJobHost__extensions__durableTask__hubName';

/** Sources of an app's settings. */
export interface SettingSources {
  /** The process environment. Overrides the file and the defaults. Empty values count as unset. */
  readonly environment: NodeJS.ProcessEnv;
  /** `Values` of local.settings.json. */
  readonly fileValues: Readonly<Record<string, string>>;
}

/** Returns defaults for settings that no source sets. A storage account set by its parts needs no connection string. */
function defaultsFor({ environment, fileValues }: SettingSources): Readonly<Record<string, string>> {
  const isAccountNamed = Object.entries({ ...fileValues, ...withoutEmpty(environment) }).some(
    ([name, value]) => name.startsWith('AzureWebJobsStorage__') && value !== '',
  );
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    ...(!isAccountNamed && { AzureWebJobsStorage: 'UseDevelopmentStorage=true' }),
  };
}

/** Returns a setting as the app will see it, or undefined if it is unset or empty. */
export function readSetting(sources: SettingSources, name: string): string | undefined {
  return sources.environment[name] || sources.fileValues[name] || defaultsFor(sources)[name] || undefined;
}

/**
 * Returns the settings to add to the app's environment.
 *
 * - `TASKHUB_NAME` also sets the host.json override that every Functions host understands, unless that is set.
 * - If a proxy is set, requests to this machine bypass it. Otherwise durable-functions could not reach its host.
 *
 * @param overrides - settings that override all sources, for example those of the offline model
 */
export function collectSettings(
  sources: SettingSources,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { environment, fileValues } = sources;
  const hubName = readSetting(sources, hubNameOverride) ?? readSetting(sources, 'TASKHUB_NAME');
  const settings = {
    ...defaultsFor(sources),
    ...(hubName !== undefined && { [hubNameOverride]: hubName }),
    ...withoutEmpty(fileValues),
  };
  const missing = Object.entries(settings).filter(([name]) => !environment[name]);
  return { ...Object.fromEntries(missing), ...pastProxy(sources), ...overrides };
}

/** Returns the variables that have a value. */
export function withoutEmpty(variables: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

function pastProxy(sources: SettingSources): Record<string, string> {
  const isProxySet = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].some((name) => readSetting(sources, name));
  if (!isProxySet) return {};
  const given = readSetting(sources, 'no_proxy') ?? readSetting(sources, 'NO_PROXY');
  const hosts = [...(given === undefined ? [] : [given]), 'localhost', '127.0.0.1', '::1', '[::1]'].join(',');
  // Some programs read only one of them.
  return { NO_PROXY: hosts, no_proxy: hosts };
}

/** Addresses of the host's durable HTTP API. */
export interface DurableEndpoints {
  readonly hubName: string;
  /** For clients with the key, without a trailing slash. */
  readonly baseUrl: string;
  readonly systemKey: string;
  /** For the functions themselves, without a key. Has a trailing slash, which `durable-functions` relies on. */
  readonly rpcBaseUrl: string;
}

/** Returns the durable client input of a function: JSON text with URL templates for `durable-functions`. */
export function createDurableClientBinding({ hubName, baseUrl, systemKey, rpcBaseUrl }: DurableEndpoints): string {
  const id = 'INSTANCEID';
  const code = `code=${systemKey}`;
  const instance = `${baseUrl}/instances/${id}`;
  const query = `taskHub=${hubName}&connection=Storage&${code}`;
  const createUrl = `${baseUrl}/orchestrators/{functionName}[/{instanceId}]`;
  return JSON.stringify({
    taskHubName: hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${createUrl}?${code}`,
      createAndWaitOnNewInstancePostUri: `${createUrl}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${code}`,
    },
    managementUrls: {
      id,
      statusQueryGetUri: `${instance}?${query}`,
      sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
      terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
      rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
      purgeHistoryDeleteUri: `${instance}?${query}`,
      restartPostUri: `${instance}/restart?${query}`,
      suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
      resumePostUri: `${instance}/resume?reason={text}&${query}`,
    },
    baseUrl,
    requiredQueryStringParameters: code,
    rpcBaseUrl,
    httpBaseUrl: null,
  });
}

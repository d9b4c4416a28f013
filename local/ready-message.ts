import type { ServedApp, ServedFunction } from './served-app.js';

const message = 'Tell me about the weather in Paris and mention the streaming callbacks.';
const threadId = 'first-thread';

/**
 * Returns the message for an app that is ready: first `listening http://localhost:PORT` for scripts, then its functions
 * and, if it has an agent, requests to copy and paste.
 */
export function describeReadyApp(app: ServedApp): string {
  const base = `http://localhost:${app.port}`;
  const served = app.functions.filter(({ kind }) => kind !== 'not served');
  const notServed = app.functions.filter(({ kind }) => kind === 'not served');
  const dashboard = served.map(dashboardPathOf).find((path) => path !== undefined);
  const agentPath = served.map(agentPathOf).find((path) => path !== undefined);
  return [
    `listening ${base}`,
    dashboard === undefined ? [] : [`Dashboard  ${base}${dashboard}`],
    ['Functions', ...listFunctions(served)],
    notServed.length === 0 ? [] : ['Not served by the local Functions host', ...listFunctions(notServed)],
    app.keys === undefined
      ? []
      : [
          'Keys',
          `  function  ${app.keys.function}`,
          `  master    ${app.keys.master}`,
          `  system    ${app.keys.system}`,
        ],
    agentPath === undefined ? [] : describeRequests(base + agentPath, app.keys?.function),
    ['Ctrl-C stops everything that was started.'],
  ]
    .flatMap((part) => (typeof part === 'string' ? [part] : part.length === 0 ? [] : ['', ...part]))
    .join('\n');
}

function listFunctions(functions: readonly ServedFunction[]): string[] {
  const nameWidth = Math.max(0, ...functions.map(({ name }) => name.length));
  return functions.map(({ name, kind, detail }) => `  ${name.padEnd(nameWidth)}  ${detail || kind}`);
}

function dashboardPathOf({ name, kind, detail }: ServedFunction): string | undefined {
  return kind === 'http' && name === 'dashboard' ? /^GET (\S+)$/.exec(detail)?.[1] : undefined;
}

/** Returns the path of an agent, based on its run endpoint. */
function agentPathOf({ name, kind, detail }: ServedFunction): string | undefined {
  if (kind !== 'http' || !name.startsWith('http-')) return undefined;
  return /^POST (\S+)\/run$/.exec(detail)?.[1];
}

function describeRequests(agentUrl: string, key: string | undefined): string[] {
  const body = JSON.stringify({ message, thread_id: threadId });
  const curlKey = key === undefined ? '' : ` -H 'x-functions-key: ${key}'`;
  const powerShellKey = key === undefined ? '' : ` -Headers @{ 'x-functions-key' = '${key}' }`;
  const events = `${agentUrl}/callbacks/${threadId}`;
  return [
    'Send a message, then read the events of its run (bash)',
    `  curl -s -X POST ${agentUrl}/run${curlKey} -H 'content-type: application/json' -d '${body}'`,
    `  curl -s ${events}${curlKey}`,
    '',
    'The same in PowerShell',
    `  Invoke-RestMethod -Method Post -Uri ${agentUrl}/run${powerShellKey} -ContentType 'application/json' -Body '${body}'`,
    `  Invoke-RestMethod -Uri ${events}${powerShellKey}`,
  ];
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { InvocationContext } from '@azure/functions';
import { input } from 'durable-functions';
import { asyncListener } from './async-listener.js';
import { listenForTest } from './listen-for-test.js';

export interface Signal {
  /** `{name}/{key}` of the entity. */
  readonly entity: string;
  readonly operation: string | null;
  readonly input: unknown;
}

/** The host's durable HTTP API for entities, on loopback. Closed at the end of the test. */
export interface DurableTaskServer {
  readonly signals: readonly Signal[];
  /** The number of state reads so far. */
  readonly readCount: number;
  /** An invocation whose durable client uses this server. */
  readonly context: InvocationContext;
  /** The log lines of the invocation, each after its level. */
  readonly logLines: readonly string[];
}

export interface DurableTaskServerOptions {
  /** Initial states by `{name}/{key}`. @default none */
  readonly states?: Readonly<Record<string, unknown>>;
  /** The number of reads that fail first. @default 0 */
  readonly failingReads?: number;
}

/**
 * @param onSignal handles a signal, and returns the entity's new state (`undefined`: none)
 */
export async function startDurableTaskServer(
  onSignal: (signal: Signal) => unknown,
  options: DurableTaskServerOptions = {},
): Promise<DurableTaskServer> {
  const signals: Signal[] = [];
  const states = new Map(Object.entries(options.states ?? {}));
  let readCount = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const entity = pathname.replace('/entities/', '');
    if (request.method === 'POST') {
      const signal = { entity, operation: searchParams.get('op'), input: JSON.parse(await text(request)) };
      signals.push(signal);
      states.set(entity, onSignal(signal));
      response.writeHead(202).end();
      return;
    }
    const state = states.get(entity);
    readCount += 1;
    if (readCount <= (options.failingReads ?? 0)) response.writeHead(500).end();
    else if (state === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(state));
  };
  const server = createServer(asyncListener(take));
  const address = await listenForTest(server);
  const logLines: string[] = [];
  const durableClient = input.durableClient();
  const context = new InvocationContext({
    functionName: 'http-ScriptedAgent',
    invocationId: 'invocation-1',
    options: { extraInputs: [durableClient] },
    logHandler: (level, ...words) => void logLines.push(`${level} ${words.join(' ')}`),
  });
  context.extraInputs.set(durableClient, {
    taskHubName: 'test',
    creationUrls: {},
    managementUrls: {},
    rpcBaseUrl: `${address}/`,
  });
  return {
    signals,
    get readCount() {
      return readCount;
    },
    context,
    logLines,
  };
}

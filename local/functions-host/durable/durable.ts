import type { ServerResponse } from 'node:http';
import type { FunctionMetadata, RegisteredFunction, TypedData } from '../functions-core.js';
import type { HostLog } from '../host-log.js';
import { answer, startServer } from '../http-server.js';
import type { Invoke } from '../invocation.js';
import type { HostRequest } from '../server-quirks.js';
import { createDurableClientBinding } from './durable-client-binding.js';
import { serveEntityApi } from './entity-api.js';
import type { EntityJournal } from './entity-journal.js';
import { EntityRunner, type EntityFunction } from './entity-runner.js';
import { EntityStore } from './entity-store.js';

export interface DurableOptions {
  readonly hubName: string;
  /** Public base URL of the durable HTTP API. */
  readonly baseUrl: string;
  readonly systemKey: string;
  /** By entity name in lower case. */
  readonly entities: ReadonlyMap<string, EntityFunction>;
  readonly maxEntityOperationBatchSize: number;
  /** If undefined, entities live in memory. Not closed here: its owner closes it after this. */
  readonly journal: EntityJournal | undefined;
  readonly invoke: Invoke;
  readonly log: HostLog;
  readonly onError: (error: unknown) => void;
}

/** The durable part of the host: entities, their HTTP API, and the client that functions receive. */
export interface Durable {
  /** Serves the durable HTTP API. @param path - decoded, relative to the base path */
  serve(path: string, request: HostRequest, response: ServerResponse): Promise<void>;
  /** Returns the values of a function's durable client inputs, by binding name. */
  readonly readInputs: (metadata: FunctionMetadata) => Readonly<Record<string, TypedData>>;
  /** Resumes the operations in the journal. */
  resume(): void;
  /** Waits up to `timeoutMs` for running operations. Those that have not finished by then have no effect. */
  stop(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const rpcPath = '/durabletask/';

/** Starts the durable part, with its own server through which functions reach the HTTP API without a key. */
export async function startDurable(options: DurableOptions): Promise<Durable> {
  const { hubName, baseUrl, systemKey, invoke, log } = options;
  const store = new EntityStore(options.journal);
  const readInputs = (metadata: FunctionMetadata): Record<string, TypedData> => {
    const names = Object.entries(metadata.bindings).filter(([, { type }]) =>
      /^(?:durable|orchestration)Client$/i.test(type),
    );
    return Object.fromEntries(names.map(([name]) => [name, { string: clientBinding }]));
  };
  const runner = new EntityRunner({
    functions: options.entities,
    store,
    invoke,
    readInputs: ({ metadata }: RegisteredFunction) => readInputs(metadata),
    maxBatchSize: options.maxEntityOperationBatchSize,
    log,
  });
  const api = { hubName, store, runner, log };
  const serve: Durable['serve'] = async (path, request, response) => serveEntityApi(api, path, request, response);
  const rpcServer = await startServer({
    port: 0,
    handle: async (request, response) => {
      if (request.path.startsWith(rpcPath)) await serve(request.path.slice(rpcPath.length), request, response);
      else answer(response, 404);
    },
    onError: options.onError,
  });
  const rpcBaseUrl = `http://127.0.0.1:${rpcServer.port}${rpcPath}`;
  const clientBinding = createDurableClientBinding({ hubName, baseUrl, systemKey, rpcBaseUrl });
  return {
    serve,
    readInputs,
    resume: () => runner.resume(),
    stop: async (timeoutMs) => runner.stop(timeoutMs),
    async close() {
      await rpcServer.close();
      runner.close();
    },
  };
}

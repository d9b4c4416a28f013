import type { TokenCredential } from '@azure/identity';
import { type Container, type ContainerDefinition, CosmosClient, PartitionKeyDefinitionVersion } from '@azure/cosmos';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import { StoreSetupError } from '../storage-error.js';
import { isLoopbackHost } from '../../functions/loopback-host.js';

export interface CosmosContainerOptions {
  /** `https://NAME.documents.azure.com`; http on loopback only. */
  readonly endpoint: string;
  /** With a key, the app creates a missing database and container. A token does not allow that. */
  readonly access: { readonly key: string } | { readonly credential: TokenCredential };
  readonly database: string;
  readonly container: string;
  /** Used instead if it exists and is usable. */
  readonly formerContainer?: string | undefined;
  /** Receives a warning if the former container is used. */
  readonly log?: Logger;
}

export interface OpenCosmosContainer {
  readonly container: Container;
  close(): void;
}

/** Long, because getting the first token takes time. */
const FIND_TIMEOUT_MS = 8000;
const CREATE_TIMEOUT_MS = 30_000;
const MAX_THROTTLED_SECONDS = 2;
const MAX_THROTTLED_RETRIES = 9;

const NOT_FOUND = 404;
const CONFLICT = 409;

const DATA_PLANE_ROLE = 'Cosmos DB Built-in Data Contributor';

/**
 * Indexes only what queries use, because the cost of a write grows with the index, and values are mostly text. The
 * composite index serves the keys of a partition in order, with any number of other partitions.
 */
export const COSMOS_CONTAINER = {
  // Version 1 compares only the first 101 bytes of partition keys.
  partitionKey: { paths: ['/partition'], version: PartitionKeyDefinitionVersion.V2 },
  indexingPolicy: {
    indexingMode: 'consistent',
    automatic: true,
    includedPaths: [{ path: '/partition/?' }, { path: '/key/?' }],
    excludedPaths: [{ path: '/*' }],
    compositeIndexes: [
      [
        { path: '/partition', order: 'ascending' },
        { path: '/key', order: 'ascending' },
      ],
    ],
  },
} satisfies ContainerDefinition;

/**
 * Finds or creates a container for values.
 *
 * @throws StoreSetupError if it does not exist and cannot be created, or has another definition
 */
export async function openCosmosContainer(options: CosmosContainerOptions): Promise<OpenCosmosContainer> {
  const client = createClient(options);
  const { database, container: name, formerContainer, log } = options;
  const container = client.database(database).container(name);
  const former = formerContainer === undefined ? undefined : client.database(database).container(formerContainer);
  try {
    const [found, foundFormer, level] = await withTimeout(FIND_TIMEOUT_MS, (signal) =>
      Promise.all([
        readDefinition(container, signal),
        former && readDefinition(former, signal),
        readConsistency(client, signal),
      ]),
    );
    checkConsistency(level);
    if (former !== undefined && foundFormer !== undefined && problemsOf(foundFormer).length === 0) {
      log?.warn(
        `The container ${formerContainer} exists, so it is used instead of ${name}. ` +
          'Apps that share a database need different containers: set CALLBACK_COSMOS_CONTAINER.',
      );
      return { container: former, close: () => client.dispose() };
    }
    const create = (signal: AbortSignal) => createContainer(client, options, signal);
    const problems = problemsOf(found ?? (await withTimeout(CREATE_TIMEOUT_MS, create)));
    if (problems.length > 0) {
      throw new StoreSetupError(
        `The container ${name} in the database ${database} of Cosmos DB cannot keep events: ${problems.join('; ')}.`,
      );
    }
  } catch (error) {
    client.dispose();
    throw error;
  }
  return { container, close: () => client.dispose() };
}

function createClient({ endpoint, access }: CosmosContainerOptions): CosmosClient {
  const { protocol, hostname } = new URL(endpoint);
  const isLoopback = isLoopbackHost(hostname);
  if (protocol !== 'https:' && !isLoopback) {
    throw new StoreSetupError('The endpoint of Cosmos DB must begin with https:// (http on loopback only).');
  }
  return new CosmosClient({
    endpoint,
    ...('key' in access ? { key: access.key } : { aadCredentials: access.credential }),
    connectionPolicy: {
      // Calls with shorter limits are aborted by their signal.
      requestTimeout: CREATE_TIMEOUT_MS,
      // An emulator may announce another address than the configured one.
      enableEndpointDiscovery: !isLoopback,
      // Each region compares ETags by itself, so only one may write.
      useMultipleWriteLocations: false,
      retryOptions: {
        maxRetryAttemptCount: MAX_THROTTLED_RETRIES,
        maxWaitTimeInSeconds: MAX_THROTTLED_SECONDS,
        fixedRetryIntervalInMilliseconds: 0,
      },
    },
  });
}

async function readDefinition(
  container: Container,
  abortSignal: AbortSignal,
): Promise<ContainerDefinition | undefined> {
  try {
    return (await container.read({ abortSignal })).resource;
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

async function readConsistency(client: CosmosClient, abortSignal: AbortSignal): Promise<string | undefined> {
  const { resource } = await client.getDatabaseAccount({ abortSignal });
  return resource?.consistencyPolicy;
}

async function createContainer(
  client: CosmosClient,
  options: CosmosContainerOptions,
  abortSignal: AbortSignal,
): Promise<ContainerDefinition> {
  const { access, database, container } = options;
  if (!('key' in access)) {
    throw new StoreSetupError(
      `Cosmos DB has no container ${container} in a database ${database}, and a managed identity cannot create one. ` +
        'Create it with the partition key /partition and the indexing policy in docs/event-stores.md, and give the ' +
        `identity the role "${DATA_PLANE_ROLE}".`,
    );
  }
  await unlessThere(() => client.databases.create({ id: database }, { abortSignal }));
  await unlessThere(() =>
    client.database(database).containers.create({ id: container, ...COSMOS_CONTAINER }, { abortSignal }),
  );
  const definition = await readDefinition(client.database(database).container(container), abortSignal);
  if (definition === undefined) throw new Error('The container was created, but cannot be found.');
  return definition;
}

/** Ignores a conflict, because another process may be creating the same. */
async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (statusOf(error) !== CONFLICT) throw error;
  }
}

/** Returns why a container cannot store values. Empty if it can. */
function problemsOf({ partitionKey, indexingPolicy, defaultTtl }: ContainerDefinition): string[] {
  const problems: string[] = [];
  if (partitionKey?.paths.join() !== '/partition') problems.push('its partition key must be /partition');
  if (defaultTtl !== undefined && defaultTtl !== -1) {
    problems.push('its default time to live must be off or -1, because related values would expire separately');
  }
  const isOrdered = indexingPolicy?.compositeIndexes?.some(
    ([first, second]) => first?.path === '/partition' && second?.path === '/key',
  );
  if (isOrdered !== true) problems.push('it needs a composite index on /partition and /key, both ascending');
  return problems;
}

/** Rejects weaker levels: a process could read a value and then miss one that was written before it. */
function checkConsistency(level: string | undefined): void {
  if (level === 'Eventual' || level === 'ConsistentPrefix') {
    throw new StoreSetupError(
      `The Cosmos DB account has ${level} as its default consistency. Expected Session or stronger.`,
    );
  }
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

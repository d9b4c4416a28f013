import type { TokenCredential } from '@azure/identity';
import { type Container, type ContainerDefinition, CosmosClient, PartitionKeyDefinitionVersion } from '@azure/cosmos';
import { withTimeout } from '../../../functions/time-limits.js';
import { StoreSetupError } from '../../../storage/storage-error.js';
import { isLoopbackHost } from '../../../functions/loopback-host.js';

export interface CosmosContainerOptions {
  /** `https://NAME.documents.azure.com`; http on loopback only. */
  readonly endpoint: string;
  /** With a key the database and the container are created when they are missing; a token does not allow that. */
  readonly access: { readonly key: string } | { readonly credential: TokenCredential };
  readonly database: string;
  readonly container: string;
  /** How long items are kept, also those that are there already. Absent: until they are removed. */
  readonly ttlDays?: number | undefined;
}

export interface OpenCosmosContainer {
  readonly container: Container;
  close(): void;
}

/** The first token takes its time. */
const FIND_TIMEOUT_MS = 8000;
const CREATE_TIMEOUT_MS = 30_000;
const MAX_THROTTLED_SECONDS = 2;
const MAX_THROTTLED_RETRIES = 9;

const NOT_FOUND = 404;
const CONFLICT = 409;

/** The time to live of a container whose items do not end by themselves. */
const NO_END = -1;
const DAY_SECONDS = 86_400;

const DATA_PLANE_ROLE = 'Cosmos DB Built-in Data Contributor';

/**
 * What is searched for is indexed, and nothing else: a write costs by what it adds to the index, and events are mostly
 * text. The composite index serves the events of a thread in their order, however many other threads there are.
 */
const CONTAINER = {
  // Version 2, as version 1 tells partition keys apart by their first 101 bytes.
  partitionKey: { paths: ['/partition'], version: PartitionKeyDefinitionVersion.V2 },
  indexingPolicy: {
    indexingMode: 'consistent',
    automatic: true,
    includedPaths: ['partition', 'sequence', 'partOf', 'epoch', 'agentName'].map((name) => ({
      path: `/${name}/?`,
    })),
    excludedPaths: [{ path: '/*' }],
    compositeIndexes: [
      [
        { path: '/partition', order: 'ascending' },
        { path: '/sequence', order: 'ascending' },
      ],
    ],
  },
} satisfies ContainerDefinition;

/**
 * Finds or creates the container for events. With a key its time to live is set as the options have it.
 *
 * @throws StoreSetupError when it is missing and may not be created, or is not as it has to be
 */
export async function openCosmosContainer(options: CosmosContainerOptions): Promise<OpenCosmosContainer> {
  const client = createClient(options);
  const { database, container: name } = options;
  const container = client.database(database).container(name);
  try {
    const [found, level] = await withTimeout(FIND_TIMEOUT_MS, (signal) =>
      Promise.all([readDefinition(container, signal), readConsistency(client, signal)]),
    );
    checkConsistency(level);
    const create = (signal: AbortSignal) => createContainer(client, options, signal);
    const definition = found ?? (await withTimeout(CREATE_TIMEOUT_MS, create));
    checkDefinition(definition, options);
    const defaultTtl = ttlSeconds(options);
    if (ttlSecondsOf(definition) !== defaultTtl) {
      await withTimeout(CREATE_TIMEOUT_MS, (abortSignal) =>
        container.replace({ ...definition, defaultTtl }, { abortSignal }),
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
    throw new StoreSetupError('The endpoint of Cosmos DB has to begin with https:// (http on loopback only).');
  }
  return new CosmosClient({
    endpoint,
    ...('key' in access ? { key: access.key } : { aadCredentials: access.credential }),
    connectionPolicy: {
      // Calls that are to be shorter are ended by their signal.
      requestTimeout: CREATE_TIMEOUT_MS,
      // An emulator announces an address of its own, which need not be the one that it is reached at.
      enableEndpointDiscovery: !isLoopback,
      // ETags are compared in each region by itself: there may be only one that writes.
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
  const defaultTtl = ttlSeconds(options);
  if (!('key' in access)) {
    throw new StoreSetupError(
      `Cosmos DB has no container ${container} in a database ${database}, and a managed identity may not create one: ` +
        `create it with the partition key /partition, a default time to live of ${defaultTtl} and the index that the ` +
        `docs/event-stores.md gives, and give the identity the role "${DATA_PLANE_ROLE}".`,
    );
  }
  await unlessThere(() => client.databases.create({ id: database }, { abortSignal }));
  await unlessThere(() =>
    client.database(database).containers.create({ id: container, defaultTtl, ...CONTAINER }, { abortSignal }),
  );
  const definition = await readDefinition(client.database(database).container(container), abortSignal);
  if (definition === undefined) throw new Error('The container was created, and is not there.');
  return definition;
}

/** Another process may be creating the same at this moment. */
async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (statusOf(error) !== CONFLICT) throw error;
  }
}

function checkDefinition(definition: ContainerDefinition, options: CosmosContainerOptions): void {
  const { partitionKey, indexingPolicy } = definition;
  const { access, database, container } = options;
  const problems: string[] = [];
  if (partitionKey?.paths.join() !== '/partition') problems.push('its partition key has to be /partition');
  if (!('key' in access) && ttlSecondsOf(definition) !== ttlSeconds(options)) {
    problems.push(
      `its default time to live has to be ${ttlSeconds(options)}, as CALLBACK_EVENT_TTL_DAYS says, and a managed ` +
        'identity may not change it',
    );
  }
  const isOrdered = indexingPolicy?.compositeIndexes?.some(
    ([first, second]) => first?.path === '/partition' && second?.path === '/sequence',
  );
  if (isOrdered !== true) problems.push('it needs a composite index on /partition and /sequence, both ascending');
  if (problems.length > 0) {
    throw new StoreSetupError(
      `The container ${container} in the database ${database} of Cosmos DB cannot keep events: ${problems.join('; ')}.`,
    );
  }
}

function ttlSeconds({ ttlDays }: CosmosContainerOptions): number {
  return ttlDays === undefined ? NO_END : ttlDays * DAY_SECONDS;
}

function ttlSecondsOf({ defaultTtl }: ContainerDefinition): number {
  return defaultTtl ?? NO_END;
}

/** Weaker levels let a process read a thread's head, and then not the events that it counts. */
function checkConsistency(level: string | undefined): void {
  if (level === 'Eventual' || level === 'ConsistentPrefix') {
    throw new StoreSetupError(
      `The Cosmos DB account has ${level} as its default consistency; events need Session, or a stronger one.`,
    );
  }
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

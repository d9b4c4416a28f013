import { z } from 'zod';
import type { CallbackStoreSettings } from '../audit/store/callback-store-settings.js';
import type { TableStoreSettings } from '../storage/store-settings.js';
import { StoreSetupError } from '../storage/storage-error.js';
import { isDevelopmentStorage, parseTableConnection } from '../storage/table/table-account.js';
import { isLoopbackHost } from '../functions/loopback-host.js';
import { integer, isServiceUrl } from './environment-values.js';

/** The environment variables that select the event store and configure its connection. */
export const callbackStoreEnvironment = {
  CALLBACK_STORE: z
    .enum(['memory', 'table', 'redis', 'cosmos'], 'expected memory, table, redis or cosmos')
    .default('memory'),
  CALLBACK_EVENT_TTL_DAYS: integer(1, 3650).optional(),
  CALLBACK_STORE_MAX_THREADS: integer(1, 1_000_000).default(1000),
  CALLBACK_STORE_MAX_EVENTS_PER_THREAD: integer(1, 10_000_000).default(10_000),
  CALLBACK_STORE_MAX_BYTES: integer(1, 1_000_000_000_000).default(67_108_864),
  AzureWebJobsStorage: z.string().optional(),
  AzureWebJobsStorage__accountName: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, 'expected a storage account name: 3 to 24 lower-case letters and digits')
    .optional(),
  AzureWebJobsStorage__tableServiceUri: z
    .string()
    .refine(isServiceUrl, 'expected an https URL such as https://NAME.table.core.windows.net')
    .optional(),
  AzureWebJobsStorage__clientId: z.string().optional(),
  CALLBACK_TABLE_NAME: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,62}$/, 'expected 3 to 63 letters and digits, starting with a letter')
    .optional(),
  CALLBACK_REDIS_URL: z
    .string()
    .refine(isRedisUrl, 'expected redis://HOST:PORT or rediss://HOST:PORT, optionally with /DATABASE_NUMBER')
    .optional(),
  CALLBACK_REDIS_AUTH: z.enum(['password', 'entra'], 'expected password or entra').default('password'),
  CALLBACK_COSMOS_ENDPOINT: z
    .string()
    .refine(isServiceUrl, 'expected an https URL such as https://NAME.documents.azure.com')
    .optional(),
  CALLBACK_COSMOS_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'expected an account key in base64')
    .optional(),
  CALLBACK_COSMOS_DATABASE: cosmosName().default('agents'),
  CALLBACK_COSMOS_CONTAINER: cosmosName().optional(),
};

const environment = z.object(callbackStoreEnvironment);

type StoreEnvironment = z.infer<typeof environment>;

interface StoreProblem {
  readonly variable: keyof StoreEnvironment;
  readonly problem: string;
}

/** Returns what the selected store is missing, beyond the checks of each variable. */
export function storeProblems(values: StoreEnvironment): StoreProblem[] {
  const missing = (variable: keyof StoreEnvironment, needed: string): StoreProblem[] =>
    values[variable] === undefined
      ? [{ variable, problem: `is missing; CALLBACK_STORE=${values.CALLBACK_STORE} needs ${needed}` }]
      : [];
  switch (values.CALLBACK_STORE) {
    case 'table': {
      const { AzureWebJobsStorage: connectionString } = values;
      if (connectionString === undefined) {
        return tableServiceUrl(values) === undefined
          ? missing('AzureWebJobsStorage', 'a connection string, or AzureWebJobsStorage__accountName')
          : [];
      }
      const problem = tableConnectionProblem(connectionString);
      return problem === undefined ? [] : [{ variable: 'AzureWebJobsStorage', problem }];
    }
    case 'redis':
      return [...missing('CALLBACK_REDIS_URL', 'redis://… or rediss://…'), ...entraProblems(values)];
    case 'cosmos':
      return missing('CALLBACK_COSMOS_ENDPOINT', 'an account endpoint such as https://NAME.documents.azure.com');
    default:
      return [];
  }
}

/** The default names of earlier versions, which ignored the task hub. */
const FORMER_TABLE = 'CallbackEvents';
const FORMER_CONTAINER = 'callback-events';

/**
 * @param values - values for which {@link storeProblems} returned nothing
 * @param hubName - part of the default names, because apps with different task hubs may share a service
 */
export function toCallbackStoreSettings(values: StoreEnvironment, hubName: string): CallbackStoreSettings {
  const ttlDays = values.CALLBACK_EVENT_TTL_DAYS;
  const retention = ttlDays === undefined ? {} : { ttlDays };
  switch (values.CALLBACK_STORE) {
    case 'memory':
      return {
        kind: 'memory',
        maxThreads: values.CALLBACK_STORE_MAX_THREADS,
        maxEventsPerThread: values.CALLBACK_STORE_MAX_EVENTS_PER_THREAD,
        maxBytes: values.CALLBACK_STORE_MAX_BYTES,
      };
    case 'table':
      return {
        kind: 'table',
        account: tableAccount(values),
        ...(values.CALLBACK_TABLE_NAME === undefined
          ? { tableName: FORMER_TABLE + hubName, formerTableName: FORMER_TABLE }
          : { tableName: values.CALLBACK_TABLE_NAME }),
        ...retention,
      };
    case 'redis':
      return {
        kind: 'redis',
        url: values.CALLBACK_REDIS_URL ?? '',
        ...(values.CALLBACK_REDIS_AUTH === 'entra' && { usesEntra: true }),
        keyPrefix: `callbacks:${hubName}:`,
        ...retention,
      };
    case 'cosmos':
      return {
        kind: 'cosmos',
        endpoint: values.CALLBACK_COSMOS_ENDPOINT ?? '',
        ...(values.CALLBACK_COSMOS_KEY !== undefined && { key: values.CALLBACK_COSMOS_KEY }),
        database: values.CALLBACK_COSMOS_DATABASE,
        ...(values.CALLBACK_COSMOS_CONTAINER === undefined
          ? { container: `${FORMER_CONTAINER}-${hubName}`, formerContainer: FORMER_CONTAINER }
          : { container: values.CALLBACK_COSMOS_CONTAINER }),
        ...retention,
      };
  }
}

/** Returns the storage account of the function app, from the settings that the Functions host reads. */
function tableAccount(values: StoreEnvironment): TableStoreSettings['account'] {
  const { AzureWebJobsStorage: connectionString, AzureWebJobsStorage__clientId: clientId } = values;
  if (connectionString !== undefined) return { connectionString };
  return { url: tableServiceUrl(values) ?? '', ...(clientId !== undefined && { clientId }) };
}

function tableServiceUrl(values: StoreEnvironment): string | undefined {
  const { AzureWebJobsStorage__tableServiceUri: url, AzureWebJobsStorage__accountName: name } = values;
  return url ?? (name === undefined ? undefined : `https://${name}.table.core.windows.net`);
}

function tableConnectionProblem(connectionString: string): string | undefined {
  if (isDevelopmentStorage(connectionString)) return undefined;
  try {
    parseTableConnection(connectionString);
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreSetupError)) throw error;
    return `expected a storage account connection string for CALLBACK_STORE=table: ${error.message}`;
  }
}

function isRedisUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, pathname } = new URL(value);
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^(\/\d*)?$/.test(pathname);
}

function entraProblems({ CALLBACK_REDIS_AUTH: auth, CALLBACK_REDIS_URL: url }: StoreEnvironment): StoreProblem[] {
  if (auth !== 'entra' || url === undefined || !isRedisUrl(url)) return [];
  const { protocol, hostname, username, password } = new URL(url);
  const isSafe = protocol === 'rediss:' || isLoopbackHost(hostname);
  if (isSafe && username + password === '') return [];
  const problem =
    'expected rediss://HOST:PORT without user and password, because CALLBACK_REDIS_AUTH=entra uses tokens';
  return [{ variable: 'CALLBACK_REDIS_URL', problem }];
}

function cosmosName() {
  return z.string().regex(/^[^/\\#?]{1,255}$/, 'expected a name without / \\ # ?');
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseJsonWithComments } from '../parse-json-with-comments.js';
import { parseLogLevel, type HostLogLevel } from './host-log.js';

/** The settings of host.json that the local host supports. It ignores all others. */
export interface HostSettings {
  /** Prefix of every function's route, without leading and trailing slashes. May be empty. */
  readonly routePrefix: string;
  /** Task hub of the durable functions. */
  readonly hubName: string;
  /** Maximum number of operations in one call of an entity function. */
  readonly maxEntityOperationBatchSize: number;
  readonly minimumLogLevel: HostLogLevel;
}

const hostJson = z.object({
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().optional() }).optional(),
      durableTask: z
        .object({
          hubName: z.string().optional(),
          maxEntityOperationBatchSize: z.coerce.number().int().positive().optional(),
        })
        .optional(),
    })
    .optional(),
  logging: z.object({ logLevel: z.record(z.string(), z.string()).optional() }).optional(),
});

const overridePrefix = 'AzureFunctionsJobHost__';

/**
 * Reads the host.json of an app. Replaces `%NAME%` in a value with that environment variable. A variable such as
 * `AzureFunctionsJobHost__extensions__durableTask__hubName` overrides the value at its path:
 * https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
 *
 * @throws Error naming the file and the problem: unreadable, not JSON, a value of the wrong type, or an environment
 *   variable that is not set
 */
export async function readHostSettings(appFolder: string, environment: NodeJS.ProcessEnv): Promise<HostSettings> {
  const file = path.join(appFolder, 'host.json');
  try {
    const content = parseJsonWithComments(await readFile(file, 'utf8'));
    const { extensions, logging } = hostJson.parse(override(content, environment));
    return {
      routePrefix: resolveNames(extensions?.http?.routePrefix ?? 'api', environment).replace(/^\/+|\/+$/g, ''),
      hubName: resolveNames(extensions?.durableTask?.hubName ?? 'TestHubName', environment),
      // The durable extension's default outside the Consumption plan.
      maxEntityOperationBatchSize: extensions?.durableTask?.maxEntityOperationBatchSize ?? 5000,
      minimumLogLevel: parseLogLevel(logging?.logLevel?.['default']) ?? 'information',
    };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} is invalid: ${reason}`, { cause: error });
  }
}

/** Applies overrides from the environment. Names are case-insensitive, as in .NET's configuration. */
function override(content: unknown, environment: NodeJS.ProcessEnv): unknown {
  const overrides = Object.entries(environment).flatMap(([name, value]) => {
    const isOverride = name.toLowerCase().startsWith(overridePrefix.toLowerCase()) && value !== undefined;
    return isOverride ? [{ keys: name.slice(overridePrefix.length).split('__'), value }] : [];
  });
  return overrides.reduce((result, { keys, value }) => replaceAt(result, keys, value), content);
}

function replaceAt(content: unknown, [key, ...rest]: readonly string[], value: string): unknown {
  if (key === undefined) return value;
  const record: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(Object(content)));
  const actualKey = Object.keys(record).find((name) => name.toLowerCase() === key.toLowerCase()) ?? key;
  return { ...record, [actualKey]: replaceAt(record[actualKey], rest, value) };
}

function resolveNames(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_match, name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`"${text}" refers to ${name}, which is not set in the environment.`);
    return value;
  });
}

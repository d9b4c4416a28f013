import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseJsonWithComments } from '../parse-json-with-comments.js';
import { parseLogLevel, type HostLogLevel } from './host-log.js';

/** What the local host takes from host.json; it ignores the rest of that file. */
export interface HostSettings {
  /** What stands before every function's route, without slashes at its ends; may be empty. */
  readonly routePrefix: string;
  /** Task hub of the durable functions. */
  readonly hubName: string;
  /** Most operations that one run of an entity function is given. */
  readonly maxEntityOperationBatchSize: number;
  readonly minimumLogLevel: HostLogLevel;
}

const hostJson = z.object({
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().optional() }).optional(),
      durableTask: z
        .object({ hubName: z.string().optional(), maxEntityOperationBatchSize: z.int().positive().optional() })
        .optional(),
    })
    .optional(),
  logging: z.object({ logLevel: z.record(z.string(), z.string()).optional() }).optional(),
});

/**
 * Reads host.json of an app. `%NAME%` in a value stands for that environment variable.
 *
 * @throws Error that names the file and what is wrong in it: unreadable, no JSON, a value of the wrong type, an
 * environment variable that is not set.
 */
export async function readHostSettings(appFolder: string, environment: NodeJS.ProcessEnv): Promise<HostSettings> {
  const file = path.join(appFolder, 'host.json');
  try {
    const { extensions, logging } = hostJson.parse(parseJsonWithComments(await readFile(file, 'utf8')));
    return {
      routePrefix: resolveNames(extensions?.http?.routePrefix ?? 'api', environment).replace(/^\/+|\/+$/g, ''),
      hubName: resolveNames(extensions?.durableTask?.hubName ?? 'TestHubName', environment),
      // The durable extension's own default outside the Consumption plan.
      maxEntityOperationBatchSize: extensions?.durableTask?.maxEntityOperationBatchSize ?? 5000,
      minimumLogLevel: parseLogLevel(logging?.logLevel?.['default']) ?? 'information',
    };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} cannot be used: ${reason}`, { cause: error });
  }
}

function resolveNames(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_match, name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`"${text}" names ${name}, which is not set in the environment.`);
    return value;
  });
}

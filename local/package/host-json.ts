import { z } from 'zod';

/** What drives the entities of the deployed app. */
export type DurableBackend = 'storage' | 'scheduler';

const hostJson = z.looseObject({ extensions: z.looseObject({ durableTask: z.looseObject({}) }) });

/** App setting that says where the Durable Task Scheduler is. */
const SCHEDULER_CONNECTION = 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING';

/**
 * Makes the host.json of the package. The project's own is for Azure Storage; the Durable Task Scheduler takes none of
 * the settings of that storage provider.
 */
export function toHostJson(text: string, backend: DurableBackend): string {
  if (backend === 'storage') return text;
  const host = hostJson.parse(JSON.parse(text));
  const storageProvider = { type: 'azureManaged', connectionStringName: SCHEDULER_CONNECTION };
  const durableTask = { ...host.extensions.durableTask, storageProvider };
  return `${JSON.stringify({ ...host, extensions: { ...host.extensions, durableTask } }, null, 2)}\n`;
}

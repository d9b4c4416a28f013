import { z } from 'zod';

/** The Durable Functions backend of the deployed app. */
export type DurableBackend = 'storage' | 'scheduler';

const hostJson = z.looseObject({ extensions: z.looseObject({ durableTask: z.looseObject({}) }) });

/** App setting with the connection string of the Durable Task Scheduler. */
const SCHEDULER_CONNECTION = 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING';

/**
 * Returns the host.json of the package. The project's own is for Azure Storage, whose settings the Durable Task Scheduler
 * does not accept.
 */
export function toHostJson(text: string, backend: DurableBackend): string {
  if (backend === 'storage') return text;
  const host = hostJson.parse(JSON.parse(text));
  const storageProvider = { type: 'azureManaged', connectionStringName: SCHEDULER_CONNECTION };
  const durableTask = { ...host.extensions.durableTask, storageProvider };
  return `${JSON.stringify({ ...host, extensions: { ...host.extensions, durableTask } }, null, 2)}\n`;
}

import { z } from 'zod';

const hubName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, 'expected 3 to 45 letters and digits, starting with a letter')
  .optional();

/** Environment variables of the Functions host, checked here so that mistakes are reported at startup. */
export const hostEnvironment = {
  /** Overrides the task hub of host.json. */
  AzureFunctionsJobHost__extensions__durableTask__hubName: hubName,
  /** Former name of the same setting. Only `npm start` supports it. */
  TASKHUB_NAME: hubName,
  /** Set by Azure on each instance. */
  WEBSITE_INSTANCE_ID: z.string().optional(),
  /** Azure sets it to the name of the app. */
  WEBSITE_SITE_NAME: z.string().optional(),
  FUNCTIONS_WORKER_RUNTIME: z.literal('node', 'expected node').default('node'),
};

const hubNameInHostJson = 'default';
const environment = z.object(hostEnvironment);

/** The task hub in use. */
export function taskHubName(values: z.infer<typeof environment>): string {
  return values.AzureFunctionsJobHost__extensions__durableTask__hubName ?? hubNameInHostJson;
}

interface HostProblem {
  readonly variable: keyof z.infer<typeof environment>;
  readonly problem: string;
}

/** Reports a task hub that the host would silently ignore, together with the conversations in it. */
export function hostProblems(values: z.infer<typeof environment>): HostProblem[] {
  const wanted = values.TASKHUB_NAME;
  const isUsable = wanted !== undefined && hubName.safeParse(wanted).success;
  if (!isUsable || wanted.toLowerCase() === taskHubName(values).toLowerCase()) return [];
  const problem =
    'is not the task hub in use; set AzureFunctionsJobHost__extensions__durableTask__hubName to the same value, ' +
    'because the Functions host reads only that variable';
  return [{ variable: 'TASKHUB_NAME', problem }];
}

import { z } from 'zod';

const hubName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, 'expected 3 to 45 letters and digits, beginning with a letter')
  .optional();

/** The environment variables that the Functions host reads, checked here so that a mistake is named at start-up. */
export const hostEnvironment = {
  /** Overrides the task hub that host.json names. */
  AzureFunctionsJobHost__extensions__durableTask__hubName: hubName,
  /** The earlier name of the same setting. `npm start` passes it on; other hosts do not know it. */
  TASKHUB_NAME: hubName,
  /** Azure sets it on each instance. */
  WEBSITE_INSTANCE_ID: z.string().optional(),
  FUNCTIONS_WORKER_RUNTIME: z.literal('node', 'expected node').default('node'),
};

const hubNameInHostJson = 'default';
const environment = z.object(hostEnvironment);

interface HostProblem {
  readonly variable: keyof z.infer<typeof environment>;
  readonly problem: string;
}

/** Finds a task hub that would not be used: the conversations that it holds would be missing without a word. */
export function hostProblems(values: z.infer<typeof environment>): HostProblem[] {
  const { TASKHUB_NAME: wanted, AzureFunctionsJobHost__extensions__durableTask__hubName: used = hubNameInHostJson } =
    values;
  const isUsable = wanted !== undefined && hubName.safeParse(wanted).success;
  if (!isUsable || wanted.toLowerCase() === used.toLowerCase()) return [];
  const problem =
    'is not the task hub in use; set AzureFunctionsJobHost__extensions__durableTask__hubName to the same value, ' +
    'as the Functions host reads only that one';
  return [{ variable: 'TASKHUB_NAME', problem }];
}

import { z } from 'zod';

/** The environment variables that the Functions host reads, checked here so that a mistake is named at start-up. */
export const hostEnvironment = {
  TASKHUB_NAME: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, 'expected 3 to 45 letters and digits, beginning with a letter')
    .default('default'),
  FUNCTIONS_WORKER_RUNTIME: z.literal('node', 'expected node').default('node'),
};

import { z } from 'zod';

/** A request to an agent, as it is signalled to the entity of its thread. */
export const runRequestSchema = z.object({
  message: z.string(),
  role: z.enum(['user', 'assistant', 'system']).default('user'),
  /** Names the run. A second request with the same id is the same run, delivered again. */
  correlationId: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 lower-case hex digits'),
  /** When the request was accepted: ISO 8601 in UTC. */
  createdAt: z.iso.datetime({ offset: true }),
  /** The kind of answer that the caller asked for; recorded, of no effect on the model. */
  responseType: z.enum(['json', 'text']).default('json'),
  /** Set when an orchestration asks. */
  orchestrationId: z.string().optional(),
});

/** See {@link runRequestSchema}. */
export type RunRequest = z.infer<typeof runRequestSchema>;

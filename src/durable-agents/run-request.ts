import { z } from 'zod';

/** Maps the original's keys, in lower case and without `_`, to the keys of this app. */
const KEYS: Readonly<Record<string, string>> = {
  message: 'message',
  role: 'role',
  correlationid: 'correlationId',
  createdat: 'createdAt',
  responsetype: 'responseType',
  requestresponseformat: 'responseType',
  orchestrationid: 'orchestrationId',
  ownerid: 'ownerId',
  traceparent: 'traceParent',
  enabletoolcalls: 'enableToolCalls',
  responseschema: 'responseSchema',
  interrupts: 'interrupts',
};

const GUID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i;

/** The roles of messages. */
export const ROLES = ['user', 'assistant', 'system'] as const;

const lowerCase = z.string().trim().toLowerCase();

/**
 * A run request, as the entity of its thread gets it. Also accepts requests of the Python and .NET versions:
 * `created_at`, `correlationId` as a GUID, `request_response_format`, in any case.
 */
export const runRequestSchema = z.preprocess(
  renameKeys,
  z.object({
    message: z.string(),
    role: lowerCase.pipe(z.enum(ROLES)).default('user'),
    /** Id of the run: 32 lower-case hex digits. A second request with the same id is a redelivery. */
    correlationId: z
      .string()
      .regex(GUID, 'expected 32 hex digits or a GUID')
      .transform((id) => id.replaceAll('-', '').toLowerCase()),
    /** When the request was accepted: ISO 8601 with an offset. @default now */
    createdAt: z.iso.datetime({ offset: true }).default(() => new Date().toISOString()),
    /** The kind of answer that the caller asked for. Recorded; has no effect on the model. */
    responseType: lowerCase.pipe(z.enum(['json', 'text'])).default('json'),
    /** The user who owns the thread. Undefined if it has no owner. */
    ownerId: z.string().optional(),
    /** JSON Schema that the answer must match. Undefined: any text. */
    responseSchema: z.record(z.string(), z.unknown()).optional(),
    /** False if the agent must answer without its tools. */
    enableToolCalls: z.boolean().default(true),
    /** Whether to cancel a run of the thread that waits for approval. */
    interrupts: z.boolean().optional(),
    /** Set if an orchestration sent the request. */
    orchestrationId: z.string().optional(),
    /** The caller's span in the format of a `traceparent` header (W3C Trace Context). */
    traceParent: z.string().optional(),
  }),
);

/** See {@link runRequestSchema}. */
export type RunRequest = z.infer<typeof runRequestSchema>;

/** Renames keys. `null` counts as absent. This app's spelling wins over the original's. */
function renameKeys(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const entries = Object.entries(input).flatMap(([key, value]) => {
    const name = KEYS[key.replaceAll('_', '').toLowerCase()];
    return name === undefined || value === null ? [] : [[name, value, name === key] as const];
  });
  return Object.fromEntries(entries.toSorted((one, other) => Number(one[2]) - Number(other[2])));
}

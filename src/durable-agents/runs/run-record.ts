import { z } from 'zod';
import type { RunCost } from '../model-price.js';
import type { RunIdentity } from '../run-event-source.js';
import type { ThreadEntry } from '../thread/thread-state.js';

/** The statuses of a run. The last three are final. */
export const RUN_STATUSES = ['queued', 'running', 'waiting_for_approval', 'completed', 'failed', 'cancelled'] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

const runRecordSchema = z.object({
  correlationId: z.string(),
  status: z.enum(RUN_STATUSES),
  /** The message that started the run, as sent. */
  message: z.string(),
  /** When the request was accepted: ISO 8601 in UTC. */
  createdAt: z.string(),
  /** Position among the runs of the thread: digits that sort as text. */
  order: z.string(),
  /** Whether the run cancels the earlier ones. */
  interrupts: z.boolean().optional(),
  /** When the entity first started it. */
  startedAt: z.string().optional(),
  /** When the callback got the first update of the newest delivery. */
  firstUpdateAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** The number of deliveries that have started. */
  attempt: z.int().min(0),
  /** Set when a running run should end. */
  cancelRequestedAt: z.string().optional(),
  /**
   * When its turn was dropped from the conversation. From then on, only the record prevents a repetition of the run.
   */
  droppedAt: z.string().optional(),
  response: z.string().optional(),
  /** Number of entries of the conversation up to and including the response. */
  messageCount: z.int().optional(),
  usage: z
    .object({
      inputTokenCount: z.number(),
      outputTokenCount: z.number(),
      totalTokenCount: z.number(),
      extra: z.record(z.string(), z.number()).optional(),
    })
    .optional(),
  /** Undefined if the price of the model is not known, or its usage. */
  cost: z.object({ amount: z.number(), currency: z.string() } satisfies Record<keyof RunCost, z.ZodType>).optional(),
  finishReason: z.string().optional(),
  errorCode: z.string().optional(),
  error: z.string().optional(),
  /** Seconds after which a retry may succeed, if the model sent them. */
  retryAfterSeconds: z.number().min(0).optional(),
});

/** The data of a run outside its thread's entity. */
export type RunRecord = Readonly<z.infer<typeof runRecordSchema>>;

/** A run that is about to be sent to its thread's entity. */
export interface NewRun extends RunIdentity {
  readonly message: string;
  /** When the request was accepted: ISO 8601. */
  readonly createdAt: string;
}

/** How a run ended. */
export type RunEnd = Pick<RunRecord, 'firstUpdateAt'> &
  (
    | ({ readonly status: 'completed' } & Pick<
        RunRecord,
        'response' | 'messageCount' | 'usage' | 'cost' | 'finishReason'
      >)
    | ({ readonly status: 'failed' | 'cancelled' } & Pick<RunRecord, 'errorCode' | 'error' | 'retryAfterSeconds'>)
  );

/** The end of a run, as far as it is recorded. */
export type RecordedEnd = Partial<RunRecord> & Pick<RunRecord, 'status'>;

export const CANCELLED_END = { status: 'cancelled', errorCode: 'cancelled', error: 'The run was cancelled.' } as const;

/** The end of a run whose thread turns out to belong to another user. It adds nothing to the conversation. */
export const FOREIGN_THREAD_END = {
  status: 'failed',
  errorCode: 'thread_of_another_user',
  error: 'The thread belongs to another user.',
} as const;

export function parseRunRecord(text: string): RunRecord {
  return runRecordSchema.parse(JSON.parse(text));
}

export function isEnded({ status }: Pick<RunRecord, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

export function queuedRun({ correlationId, message, createdAt }: NewRun, order: string): RunRecord {
  return { correlationId, status: 'queued', message, createdAt, order, attempt: 0 };
}

/**
 * Returns the record at the start of a delivery. Discards the end of an earlier delivery.
 *
 * @param continues - whether the delivery continues the newest attempt
 */
export function begunRun(record: RunRecord, deliveries: number, now: string, continues = false): RunRecord {
  const { firstUpdateAt, startedAt = now } = record;
  const attempt = continues ? record.attempt : Math.max(deliveries, record.attempt + 1);
  const shown = continues && firstUpdateAt !== undefined && { firstUpdateAt };
  return { ...acceptedRun(record), status: 'running', startedAt, attempt, ...shown };
}

/** Returns what a record says about the acceptance of its run. */
function acceptedRun({ correlationId, message, createdAt, order, interrupts }: RunRecord) {
  return { correlationId, message, createdAt, order, ...(interrupts !== undefined && { interrupts }) };
}

/** @param firstUpdateAt - first update of the delivery that ends in the wait */
export function suspendedRun(record: RunRecord, firstUpdateAt: string | undefined): RunRecord {
  return { ...record, status: 'waiting_for_approval', firstUpdateAt: record.firstUpdateAt ?? firstUpdateAt };
}

/** Returns the record at the end of a run. Discards another end. */
export function endedRun(record: RunRecord, end: RunEnd, now: string): RunRecord {
  const { startedAt, attempt, cancelRequestedAt, droppedAt, firstUpdateAt = end.firstUpdateAt } = record;
  const kept = { ...acceptedRun(record), startedAt, attempt, cancelRequestedAt, droppedAt };
  return { ...kept, ...end, endedAt: now, firstUpdateAt };
}

const storedUsage = z.object({
  inputTokenCount: z.number(),
  outputTokenCount: z.number(),
  totalTokenCount: z.number(),
  extensionData: z.record(z.string(), z.number()).optional(),
});

/** Returns the tokens of a stored response. Undefined if unknown. */
export function usageOf({ usage }: ThreadEntry): RunRecord['usage'] {
  const { data } = storedUsage.safeParse(usage);
  if (data === undefined) return undefined;
  const { extensionData: extra, ...tokens } = data;
  return { ...tokens, ...(extra && { extra }) };
}

import { z } from 'zod';
import {
  type KeyRange,
  type KeyValueStore,
  MAX_CHANGES_PER_COMMIT,
  readPages,
  type StoredValue,
  type ValueChange,
} from '../../storage/key-value-store.js';
import { threadsPartition } from '../thread/thread-identity.js';
import { isEnded, RUN_STATUSES, type RunRecord } from './run-record.js';
import { invertedOrder, orderAt, runPosition } from './run-order.js';

/*
 * The index behind an agent's statistics: one small row for each run that has started, in the partition that also lists the
 * agent's threads. The row is written in the commits that update the thread's list entry, so it adds no request to a run.
 * Rows sort by the time when their runs were accepted, newest first. A redelivered run replaces its row. Rows are
 * removed with their thread, and by the daily purge when they are too old.
 */

const PREFIX = 'run|';
const LAST_MS = 9_999_999_999_999;

const rowSchema = z.object({
  status: z.enum(RUN_STATUSES),
  errorCode: z.string().optional(),
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  cost: z.object({ amount: z.number(), currency: z.string() }).optional(),
  /** From the acceptance of the request to the first update. */
  firstUpdateMs: z.number().optional(),
  /** From the acceptance of the request to the end. */
  totalMs: z.number().optional(),
  /** Id of the user who owns the thread. */
  owner: z.string().optional(),
});

/** The data of a run that statistics need. */
export type RunFigures = Readonly<z.infer<typeof rowSchema>> & {
  /** When the request was accepted: milliseconds since 1970. */
  readonly acceptedMs: number;
};

/** Returns the row of a run. @param owner - owner of the thread, if any */
export function figuresRow(record: RunRecord, owner: string | undefined): ValueChange {
  const { status, errorCode, usage, cost, createdAt, firstUpdateAt, endedAt } = record;
  const sinceAccepted = (time: string | undefined): number | undefined =>
    time === undefined ? undefined : Math.max(0, Date.parse(time) - Date.parse(createdAt));
  const figures: z.input<typeof rowSchema> = {
    status,
    errorCode,
    inputTokens: usage?.inputTokenCount,
    outputTokens: usage?.outputTokenCount,
    cost,
    firstUpdateMs: sinceAccepted(firstUpdateAt),
    totalMs: isEnded(record) ? sinceAccepted(endedAt) : undefined,
    owner,
  };
  return { key: PREFIX + runPosition(record), value: JSON.stringify(figures) };
}

function parseFigures({ key, value }: StoredValue): RunFigures {
  const order = invertedOrder(key.slice(PREFIX.length).split('|')[0] ?? '');
  return { ...rowSchema.parse(JSON.parse(value)), acceptedMs: Number(order.slice(0, -5)) };
}

/** Returns the key range of runs that were accepted at or after `since`, and before `until`. Undefined: no limit. */
function figuresRange(since: Date | undefined, until: Date | undefined): KeyRange {
  // `~` sorts after every row of the same order.
  const after = (time: Date): string => `${PREFIX}${invertedOrder(orderAt(withinOrder(time)))}~`;
  return {
    from: until === undefined ? PREFIX : after(until),
    before: since === undefined ? `${PREFIX}~` : after(since),
  };
}

/** Removes rows of an agent's runs. @param positions - positions of the runs; see {@link runPosition} */
export async function removeFigures(
  store: KeyValueStore,
  agentName: string,
  positions: readonly string[],
): Promise<void> {
  const partition = threadsPartition(agentName);
  for (let first = 0; first < positions.length;) {
    const keys = positions.slice(first, first + MAX_CHANGES_PER_COMMIT).map((position) => PREFIX + position);
    const rows = [...(await store.readMany(partition, keys)).values()];
    const [guard] = rows;
    const removed = rows.map(({ key }) => ({ key, value: undefined }));
    // If the guard fails, a late delivery changed or removed the row, so read the remaining rows again.
    if (guard !== undefined && (await store.commit(partition, guard, removed)) === undefined) continue;
    first += MAX_CHANGES_PER_COMMIT;
  }
}

export interface FiguresQuery {
  readonly since?: Date | undefined;
  /** Exclusive. */
  readonly until: Date;
  /** Only runs of this owner's threads. */
  readonly owner?: string | undefined;
  /** Maximum number of rows to read. */
  readonly limit: number;
}

/** Clamps a time to the range of keys, because a query may contain any year. */
function withinOrder(time: Date): number {
  return Math.min(Math.max(0, time.getTime()), LAST_MS);
}

/**
 * Reads a bounded number of rows.
 *
 * @returns newest run first. `cutAtMs`: rows from before this time were not read; undefined if all were read.
 */
export async function readFigures(
  store: KeyValueStore,
  agentName: string,
  { since, until, owner, limit }: FiguresQuery,
): Promise<{ readonly runs: readonly RunFigures[]; readonly cutAtMs: number | undefined }> {
  const rows: RunFigures[] = [];
  const ownRuns = () => rows.slice(0, limit).filter((run) => owner === undefined || run.owner === owner);
  const pages = readPages(store, threadsPartition(agentName), figuresRange(since, until), Math.min(1000, limit + 1));
  for await (const page of pages) {
    rows.push(...page.map(parseFigures));
    if (rows.length > limit) return { runs: ownRuns(), cutAtMs: rows[limit - 1]?.acceptedMs };
  }
  return { runs: ownRuns(), cutAtMs: undefined };
}

/** Removes the figures of runs that were accepted before a time. */
export async function removeOldFigures(store: KeyValueStore, agentName: string, before: Date): Promise<void> {
  await store.removeRange(threadsPartition(agentName), figuresRange(undefined, before));
}

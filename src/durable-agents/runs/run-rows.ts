import {
  type KeyRange,
  type KeyValueStore,
  readPages,
  retryCommit,
  type StoredValue,
  type ValueChange,
} from '../../storage/key-value-store.js';
import type { RunIdentity } from '../run-event-source.js';
import { type ThreadIdentity, threadPartition } from '../thread/thread-identity.js';
import { removeFigures } from './run-figures.js';
import { runPosition } from './run-order.js';
import { isEnded, parseRunRecord, type RunRecord } from './run-record.js';
import { parseTombstone, type Tombstone, TOMBSTONE_KEY } from './tombstones.js';

const PAGE_LIMIT = 500;
/** Key range of the rows that list a thread's runs, newest first. */
const LISTED: KeyRange = { from: 'list|', before: 'list~' };

export interface RunPageQuery {
  readonly limit: number;
  /** {@link RunPage.next} of the previous page. */
  readonly after?: string | undefined;
}

/** A page of a thread's runs. */
export interface RunPage {
  /** Newest first. */
  readonly runs: readonly RunRecord[];
  /** Pass it as `after` for the next page. Undefined: no more pages. */
  readonly next: string | undefined;
}

/*
 * A run has up to three rows in the partition of its thread: its record by correlation id, one that lists it by the time
 * when it was accepted, and one while it has not ended.
 */

export function runKey(correlationId: string): string {
  return `run|${correlationId}`;
}

/** Key of a row that exists while the run is open. */
function openKey({ order, correlationId }: RunRecord): string {
  return `open|${order}|${correlationId}`;
}

/** Key of the row that lists the run in its thread. */
function listKey(record: RunRecord): string {
  return `list|${runPosition(record)}`;
}

/** Returns the changes that replace a record. @param before - undefined: the run is new */
export function changesOf(before: RunRecord | undefined, after: RunRecord): ValueChange[] {
  const { correlationId } = after;
  const isOpen = !isEnded(after);
  const wasOpen = before !== undefined && !isEnded(before);
  return [
    { key: runKey(correlationId), value: JSON.stringify(after) },
    ...(before === undefined ? [{ key: listKey(after), value: correlationId }] : []),
    ...(isOpen === wasOpen ? [] : [{ key: openKey(after), value: isOpen ? correlationId : undefined }]),
  ];
}

/** Returns the keys of all rows that a run can have. */
function keysOf(record: RunRecord): readonly string[] {
  return [runKey(record.correlationId), openKey(record), listKey(record)];
}

/** Reads and writes the rows of a thread's runs. */
export class RunRows {
  readonly #store: KeyValueStore;
  readonly #now: () => Date;

  constructor(store: KeyValueStore, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** Returns rows of a range. @param limit - maximum number of rows @default all */
  async list(thread: ThreadIdentity, range: KeyRange, limit = Infinity): Promise<StoredValue[]> {
    const rows: StoredValue[] = [];
    const pages = readPages(this.#store, threadPartition(thread), range, Math.min(PAGE_LIMIT, limit));
    for await (const page of pages) {
      rows.push(...page);
      if (rows.length >= limit) break;
    }
    return rows.slice(0, limit);
  }

  async page(thread: ThreadIdentity, { limit, after }: RunPageQuery): Promise<RunPage> {
    const range = after === undefined ? LISTED : { ...LISTED, from: `list|${after}-` };
    const rows = await this.list(thread, range, limit + 1);
    const shown = rows.slice(0, limit);
    const runs = await this.records(thread, shown);
    return { runs, next: rows.length > limit ? shown.at(-1)?.key.slice('list|'.length) : undefined };
  }

  /** Returns the records of runs. @param rows - rows whose values are correlation ids */
  async records(thread: ThreadIdentity, rows: readonly StoredValue[]): Promise<RunRecord[]> {
    const keys = rows.map(({ value }) => runKey(value));
    if (keys.length === 0) return [];
    const found = await this.#store.readMany(threadPartition(thread), keys);
    return keys.flatMap((key) => found.get(key) ?? []).map(({ value }) => parseRunRecord(value));
  }

  /** Reads a record together with the tombstone of its thread. Each is undefined if there is none. */
  async findWithTombstone(run: RunIdentity) {
    const key = runKey(run.correlationId);
    const found = await this.#store.readMany(threadPartition(run), [key, TOMBSTONE_KEY]);
    const stored = found.get(key);
    const tombstone = parseTombstone(found.get(TOMBSTONE_KEY)?.value, this.#now());
    return { stored, record: stored && parseRunRecord(stored.value), tombstone };
  }

  /**
   * Changes a record, with the rows that list it.
   *
   * @param change - returns the new record, given the record and the tombstone of its thread; undefined changes nothing
   * @param known - the value that an earlier commit wrote, which saves a read
   * @returns the new record; undefined if there is none
   */
  async change(
    run: RunIdentity,
    change: (record: RunRecord | undefined, tombstone: Tombstone | undefined) => RunRecord | undefined,
    known?: StoredValue,
  ): Promise<RunRecord | undefined> {
    const partition = threadPartition(run);
    const key = runKey(run.correlationId);
    let newest = known;
    const { record: after } = await retryCommit(async () => {
      const { stored, record, tombstone } =
        newest === undefined
          ? await this.findWithTombstone(run)
          : { stored: newest, record: parseRunRecord(newest.value), tombstone: undefined };
      newest = undefined;
      const changed = change(record, tombstone);
      if (changed === undefined) return { record };
      const tag = await this.#store.commit(partition, { key, tag: stored?.tag }, changesOf(record, changed));
      return tag === undefined ? undefined : { record: changed };
    });
    return after;
  }

  /** Removes all rows of a run. */
  async remove(run: RunIdentity): Promise<void> {
    const partition = threadPartition(run);
    const key = runKey(run.correlationId);
    await retryCommit(async () => {
      const stored = await this.#store.read({ partition, key });
      if (stored === undefined) return true;
      const record = parseRunRecord(stored.value);
      const changes = keysOf(record).map((removed) => ({ key: removed, value: undefined }));
      return (await this.#store.commit(partition, { key, tag: stored.tag }, changes)) === undefined ? undefined : true;
    });
  }

  /** Removes all data of a thread's runs, except its tombstone. */
  async clear(thread: ThreadIdentity): Promise<void> {
    const partition = threadPartition(thread);
    for await (const rows of readPages(this.#store, partition, LISTED)) {
      const positions = rows.map(({ key }) => key.slice('list|'.length));
      await removeFigures(this.#store, thread.agentName, positions);
    }
    await this.#store.removeRange(partition, { from: '-', before: '~' });
  }
}

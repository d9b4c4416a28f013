import { toEntityKey } from '../../../durable-agents/index.js';
import {
  type KeyRange,
  type KeyValueStore,
  MAX_CHANGES_PER_COMMIT,
  type StoredValue,
  type ValueChange,
  readPages,
} from '../../../storage/key-value-store.js';
import { StorageError } from '../../../storage/storage-error.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { RecordedRun } from '../../domain/recorded-run.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import { clearThread, isReached, type ThreadChange } from '../../domain/thread-changes.js';
import { epochTime, type ThreadHead } from '../../domain/thread-head.js';
import { MAX_APPENDED_EVENTS } from '../callback-event-store.js';
import type { FollowThread } from '../thread-watchers.js';
import { formatBatch, formatRun, parseBatch, parseHead, parseRun } from './stored-schemas.js';

/*
 * Each thread has its own partition, `events|{agent}|{escaped thread id}`:
 *
 *   head                              the head. Each commit is guarded by it.
 *   run|{epoch}|{correlation id}      a run
 *   message|{epoch}|{correlation id}  the request message of the run, written once
 *   event|{last sequence}             the events of one append
 */

const HEAD = 'head';
const EVENTS: KeyRange = { from: 'event|', before: 'event~' };
const MESSAGES: KeyRange = { from: 'message|', before: 'message~' };
const RUNS: KeyRange = { from: 'run|', before: 'run~' };

const SEQUENCE_DIGITS = 15;
const READ_ROWS = 250;
const RUNS_PER_COMMIT = Math.floor((MAX_CHANGES_PER_COMMIT - 1) / 2);
const MAX_TRIES = 20;

/** A head with its tag. */
export interface StoredHead {
  readonly head: ThreadHead;
  /** Changes with each commit. Opaque. */
  readonly tag: string;
}

/** Reads and writes the rows of threads. Methods reject with a `ZodError` if a row is unreadable. */
export class ThreadRows {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** @returns undefined for an unknown thread */
  async readHead(thread: EventThread): Promise<StoredHead | undefined> {
    const stored = await this.#store.read({ partition: partitionOf(thread), key: HEAD });
    return stored && { head: parseHead(stored.value), tag: stored.tag };
  }

  /** Reports heads. Ignores an unreadable head, because readers will report it. */
  readonly follow: FollowThread = (thread, announce) =>
    this.#store.follow({ partition: partitionOf(thread), key: HEAD }, (stored) => {
      const head = headOrNothing(stored);
      if (head !== undefined || stored === undefined) announce(head);
    });

  /** @returns the runs that exist in the epoch */
  async readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RecordedRun[]> {
    const keys = correlationIds.map((id) => ({ run: runKey(epoch, id), message: messageKey(epoch, id) }));
    const found = await this.#store.readMany(
      partitionOf(thread),
      keys.flatMap(({ run, message }) => [run, message]),
    );
    return keys.flatMap(({ run, message }) => {
      const [json, text] = [found.get(run)?.value, found.get(message)?.value];
      return json === undefined || text === undefined ? [] : parseRun(json, text);
    });
  }

  /**
   * Reads events with a sequence of `first` or more, in order.
   *
   * @returns fewer than `limit` if events are large; none only if there are none
   */
  async readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    const near = { from: eventKey(first), before: eventKey(first + limit + MAX_APPENDED_EVENTS) };
    // A narrow range is cheap for services that sort their results. If events were dropped, the next ones are beyond
    // it.
    const events = await this.#readBatches(thread, near, limit);
    const found = events.length > 0 ? events : await this.#readBatches(thread, { ...EVENTS, from: near.before }, limit);
    return found.filter(({ sequence }) => sequence >= first).slice(0, limit);
  }

  /**
   * Applies a change if the head still has this tag (undefined: the thread is unknown).
   *
   * @returns the new tag; undefined after a conflict
   */
  commit(
    thread: EventThread,
    tag: string | undefined,
    { head, run, isNewMessage, events }: ThreadChange,
  ): Promise<string | undefined> {
    const changes: ValueChange[] = [{ key: HEAD, value: JSON.stringify(head) }];
    if (run !== undefined) {
      const { correlationId, requestMessage } = run;
      changes.push({ key: runKey(head.epoch, correlationId), value: formatRun(run) });
      if (isNewMessage) changes.push({ key: messageKey(head.epoch, correlationId), value: requestMessage });
    }
    const last = events.at(-1);
    if (last !== undefined) changes.push({ key: eventKey(last.sequence), value: formatBatch(events) });
    return this.#store.commit(partitionOf(thread), { key: HEAD, tag }, changes);
  }

  /** Removes rows that the head no longer reaches: events before `oldestSequence`, and runs without events. */
  async removeUnreachable(thread: EventThread): Promise<void> {
    const partition = partitionOf(thread);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const stored = await this.#store.read({ partition, key: HEAD });
      if (stored === undefined) return;
      const { epoch, oldestSequence } = parseHead(stored.value);
      await this.#store.removeRange(partition, { ...EVENTS, before: eventKey(oldestSequence) });
      await this.#store.removeRange(partition, { ...RUNS, before: runKey(epoch, '') });
      await this.#store.removeRange(partition, { ...MESSAGES, before: messageKey(epoch, '') });
      if (await this.#removeRuns(partition, stored)) return;
    }
    throw new StorageError(new Error(`Thread ${thread.threadId} changed ${MAX_TRIES} times while it was cleaned up.`));
  }

  /** Removes all rows of a thread, unless its head has changed since it was read. A later run starts at 1. */
  async forget(thread: EventThread): Promise<void> {
    const partition = partitionOf(thread);
    const stored = await this.#store.read({ partition, key: HEAD });
    for (const range of [EVENTS, RUNS, MESSAGES]) await this.#store.removeRange(partition, range);
    if (stored === undefined) return;
    // The head goes last, so that no process continues the thread before that.
    await this.#store.commit(partition, { key: HEAD, tag: stored.tag }, [{ key: HEAD, value: undefined }]);
  }

  /**
   * Removes a thread without events and without activity since `cutoff` (ISO 8601 in UTC). A later run starts at 1,
   * with another epoch.
   *
   * @returns the time of the last activity if the thread stays; undefined if it was removed
   */
  async removeIfUnused(thread: EventThread, cutoff: string): Promise<string | undefined> {
    const partition = partitionOf(thread);
    const stored = await this.readHead(thread);
    if (stored === undefined) return undefined;
    const { head, tag } = stored;
    const times = [epochTime(head.epoch), head.totals?.lastEventAt ?? ''];
    const range = { from: runKey(head.epoch, ''), before: runKey(head.epoch, '~') };
    for await (const rows of readPages(this.#store, partition, range, READ_ROWS)) {
      const runs = rows.map(({ value }) => parseRun(value, ''));
      times.push(...runs.flatMap(({ acceptedAt, attempts }) => [acceptedAt, attempts.at(-1)?.startedAt ?? '']));
    }
    const latest = times.reduce((one, other) => (one > other ? one : other));
    if (latest >= cutoff || head.newestSequence >= head.oldestSequence) return latest;
    // A process that starts a run meanwhile changes the head, so one of the two commits conflicts.
    const { change } = clearThread(head);
    const cleared = change && (await this.commit(thread, tag, change));
    if (cleared === undefined) return cutoff;
    await this.removeUnreachable(thread);
    const removed = await this.#store.commit(partition, { key: HEAD, tag: cleared }, [{ key: HEAD, value: undefined }]);
    return removed === undefined ? cutoff : undefined;
  }

  async #readBatches(thread: EventThread, range: KeyRange, limit: number): Promise<StoredEvent[]> {
    const rows = await this.#store.readRange(partitionOf(thread), range, Math.min(limit, READ_ROWS));
    return rows.flatMap(({ key, value }) => parseBatch(value, Number(key.slice(EVENTS.from.length))));
  }

  /**
   * Removes runs of the current epoch whose events were all dropped. The head guards the removal, so a process that is
   * about to write to such a run gets a conflict.
   *
   * @returns false if the thread has changed meanwhile
   */
  async #removeRuns(partition: string, { value, tag: firstTag }: StoredValue): Promise<boolean> {
    const head = parseHead(value);
    let tag: string | undefined = firstTag;
    const range = { from: runKey(head.epoch, ''), before: runKey(head.epoch, '~') };
    for await (const rows of readPages(this.#store, partition, range, READ_ROWS)) {
      const removed = rows.map((row) => parseRun(row.value, '')).filter((run) => !isNeeded(run, head));
      for (let start = 0; start < removed.length; start += RUNS_PER_COMMIT) {
        const keys = removed
          .slice(start, start + RUNS_PER_COMMIT)
          .flatMap(({ correlationId: id }) => [runKey(head.epoch, id), messageKey(head.epoch, id)]);
        const changes = keys.map((key) => ({ key, value: undefined }));
        tag = await this.#store.commit(partition, { key: HEAD, tag }, [{ key: HEAD, value }, ...changes]);
        if (tag === undefined) return false;
      }
    }
    return true;
  }
}

/** Pages contain the run of the newest attempt, even if its events were dropped. */
function isNeeded(run: RecordedRun, head: ThreadHead): boolean {
  return isReached(run, head) || run.correlationId === head.newestAttempt?.correlationId;
}

function partitionOf({ agentName, threadId }: EventThread): string {
  return `events|${agentName}|${toEntityKey(threadId)}`;
}

function runKey(epoch: string, correlationId: string): string {
  return `${RUNS.from}${epoch}|${correlationId}`;
}

function messageKey(epoch: string, correlationId: string): string {
  return `${MESSAGES.from}${epoch}|${correlationId}`;
}

function eventKey(sequence: number): string {
  return `${EVENTS.from}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
}

function headOrNothing(stored: StoredValue | undefined): ThreadHead | undefined {
  if (stored === undefined) return undefined;
  try {
    return parseHead(stored.value);
  } catch {
    return undefined;
  }
}

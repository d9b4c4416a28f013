import { randomBytes } from 'node:crypto';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { type EventCursor, START } from '../../../../src/audit/domain/event-cursor.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import { runId } from '../../../support/callback-events.js';
import type { StorageFault } from '../../../support/storage-faults.js';
import { expectLawfulPage } from '../contract/read-thread.js';
import type { HistoryCommand } from './history-commands.js';
import type { HistoryStores } from './history-stores.js';
import { HistoryWriter } from './history-writer.js';
import { NaiveRecord } from './naive-records.js';

const RUN_IDS = [0, 1].map(runId);

/** A thread and its expected log. */
interface ModelledThread {
  readonly thread: EventThread;
  readonly naive: NaiveRecord;
  /** The end of the last page that was read. */
  cursor: EventCursor;
}

/** The result of the store and that of the naive log. They must be equal. */
interface Comparison {
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/** Runs one command after another. */
export class SequentialHistory {
  readonly #stores: HistoryStores;
  readonly #agentName = `Agent-${randomBytes(6).toString('hex')}`;
  readonly #threads: readonly ModelledThread[];
  readonly #writers: HistoryWriter[] = [];

  constructor(stores: HistoryStores) {
    this.#stores = stores;
    this.#threads = ['one', 'two'].map((threadId) => {
      return { thread: { agentName: this.#agentName, threadId }, naive: new NaiveRecord(), cursor: START };
    });
  }

  async do(command: HistoryCommand, fault: StorageFault): Promise<Comparison> {
    if (command.kind === 'append' || command.kind === 'beginAgain') {
      const writer = this.#writers.at(-1 - (command.writer % Math.max(1, this.#writers.length)));
      if (writer === undefined) return {};
      if (command.kind === 'beginAgain') return this.#begin(writer, fault);
      const { firstIndex, events } = writer.makeEvents(command.offset, command.count, command.last);
      const { attempt } = writer;
      if (attempt === undefined) throw new Error('A writer must begin before it appends.');
      return this.#compare(
        fault,
        () => writer.store.append(attempt, firstIndex, events),
        () => this.#modelOf(writer.thread).naive.append(writer, attempt.attempt, firstIndex, events),
      );
    }
    const store = of(this.#stores.stores, command.store);
    const modelled = of(this.#threads, command.thread);
    const { thread, naive } = modelled;
    switch (command.kind) {
      case 'begin': {
        const writer = new HistoryWriter(store, thread, command, this.#writers.length);
        this.#writers.push(writer);
        return this.#begin(writer, fault);
      }
      case 'clear':
        return this.#compare(
          fault,
          () => store.clear(thread),
          () => naive.clear(),
        );
      case 'readRun':
        return {
          actual: await store.readRun(thread, runId(command.run)),
          expected: naive.runs.get(runId(command.run)),
        };
      case 'list':
        return this.#list(modelled, command);
    }
  }

  /** Compares everything that is stored at the end, through each store. */
  async end(): Promise<Comparison> {
    const actual: unknown[] = [];
    const expected: unknown[] = [];
    for (const store of this.#stores.stores) {
      for (const { thread, naive } of this.#threads) {
        const page = await store.list(thread);
        expectLawfulPage(page, thread);
        const runs = await Promise.all(RUN_IDS.map((id) => store.readRun(thread, id)));
        actual.push(page.head !== undefined, page.events, runs, page.head?.totals);
        expected.push(
          naive.isKnown,
          naive.list(0).events,
          RUN_IDS.map((id) => naive.runs.get(id)),
          naive.totals(),
        );
      }
    }
    return { actual, expected };
  }

  #begin(writer: HistoryWriter, fault: StorageFault): Promise<Comparison> {
    return this.#compare(
      fault,
      async () => {
        writer.attempt = await writer.store.beginAttempt(
          writer.thread,
          writer.run,
          writer.token,
          writer.startedAt,
          performance.now() - writer.waitedMs,
        );
        return writer.attempt.attempt;
      },
      () => this.#modelOf(writer.thread).naive.begin(writer),
    );
  }

  async #list(listed: ModelledThread, command: HistoryCommand & { kind: 'list' }): Promise<Comparison> {
    const { thread, naive, cursor } = listed;
    const after = command.after === 'last page' ? cursor : { sequence: command.after };
    const options = { after, ...(command.limit !== undefined && { limit: command.limit }) };
    const page = await of(this.#stores.stores, command.store).list(thread, options);
    expectLawfulPage(page, thread, options);
    listed.cursor = page.next;
    const { events, reset, runs } = page;
    const knownRuns = [...runs.keys()].map((id) => [id, naive.runs.get(id)] as const);
    return {
      actual: { events, reset, runs },
      expected: { ...naive.list(after.sequence, command.limit), runs: new Map(knownRuns) },
    };
  }

  /** Retries a failed call. The first call may have taken effect if only its response was lost. */
  async #compare(fault: StorageFault, call: () => Promise<unknown>, model: () => unknown): Promise<Comparison> {
    this.#stores.setFaults?.([fault].values());
    let actual: unknown;
    try {
      actual = await call();
    } catch (error) {
      if (!(error instanceof StorageError) || fault.failure === undefined) throw error;
      if (fault.failure === 'after') model();
      actual = await call();
    } finally {
      this.#stores.setFaults?.(undefined);
    }
    return { actual, expected: model() };
  }

  #modelOf(thread: EventThread): ModelledThread {
    const found = this.#threads.find((modelled) => modelled.thread === thread);
    if (found === undefined) throw new Error('The thread of the writer does not belong to the history.');
    return found;
  }
}

function of<Item>(items: readonly Item[], number: number): Item {
  const item = items[number % items.length];
  if (item === undefined) throw new Error('There is nothing to choose from.');
  return item;
}

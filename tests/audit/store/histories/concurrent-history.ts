import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CallbackEventStore, ListOptions } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { RecordedRun } from '../../../../src/audit/domain/recorded-run.js';
import { runId, runOf } from '../../../support/callback-events.js';
import { expectLawfulPage } from '../contract/read-thread.js';
import type { HistoryCommand } from './history-commands.js';
import { type Append, type Begin, brokenLaws, type Clear } from './history-laws.js';
import type { HistoryStores } from './history-stores.js';
import { HistoryWriter } from './history-writer.js';

/** The number of retries of a failed call. */
const MAX_TRIES = 30;

/** Runs commands concurrently, and checks the laws that hold in any order. */
export class ConcurrentHistory {
  readonly #stores: HistoryStores;
  readonly #threads: readonly EventThread[];
  readonly #writers: HistoryWriter[] = [];
  readonly #begins: Begin[] = [];
  readonly #appends: Append[] = [];
  readonly #clears: Clear[] = [];
  /** Events by thread and sequence. */
  readonly #seen = new Map<string, StoredEvent>();
  readonly #knownIndexes = new Map<HistoryWriter, number>();
  readonly #broken: string[] = [];
  #clock = 0;

  constructor(stores: HistoryStores) {
    this.#stores = stores;
    const agentName = `Agent-${randomBytes(6).toString('hex')}`;
    this.#threads = ['one', 'two'].map((threadId) => ({ agentName, threadId }));
  }

  /** Executes commands concurrently, but those of one writer one after another. */
  async doAtOnce(commands: readonly HistoryCommand[]): Promise<void> {
    const turns = new Map<HistoryWriter, Promise<void>>();
    const begun = this.#writers.filter(({ attempt }) => attempt !== undefined);
    const all = commands.map((command) => {
      if (!('writer' in command)) return this.#do(command);
      const writer = begun.at(-1 - (command.writer % Math.max(1, begun.length)));
      if (writer === undefined) return Promise.resolve();
      const before = turns.get(writer) ?? Promise.resolve();
      const turn = before.then(() => this.#doWith(writer, command));
      turns.set(writer, turn);
      return turn;
    });
    await Promise.all(all);
  }

  /** @returns the broken laws */
  async end(): Promise<readonly string[]> {
    const actions = { writers: this.#writers, begins: this.#begins, appends: this.#appends, clears: this.#clears };
    for (const thread of this.#threads) {
      const pages = await Promise.all(this.#stores.stores.map((store) => this.#list(store, thread)));
      const [events = []] = pages;
      this.#law(
        'all stores return the same events',
        pages.every((other) => isDeepStrictEqual(other, events)),
      );
      this.#broken.push(...brokenLaws(actions, thread, events, await this.#readRuns(thread)));
    }
    return this.#broken;
  }

  async #do(command: Exclude<HistoryCommand, { writer: number }>): Promise<void> {
    const { stores } = this.#stores;
    const store = stores[command.store % stores.length];
    const thread = this.#threads[command.thread];
    if (store === undefined || thread === undefined)
      throw new Error('A history needs at least one store and one thread.');
    switch (command.kind) {
      case 'begin': {
        const writer = new HistoryWriter(store, thread, command, this.#writers.length);
        this.#writers.push(writer);
        return this.#begin(writer);
      }
      case 'clear': {
        const start = this.#tick();
        await this.#again(() => store.clear(thread));
        this.#clears.push({ thread, start, end: this.#tick() });
        return;
      }
      case 'readRun': {
        const run = await this.#again(() => store.readRun(thread, runId(command.run)));
        return this.#law('a run record describes its run', run === undefined || isRun(run, command.run));
      }
      case 'list': {
        const after = { sequence: command.after === 'last page' ? 0 : command.after };
        await this.#list(store, thread, { after, ...(command.limit !== undefined && { limit: command.limit }) });
        return;
      }
    }
  }

  #doWith(writer: HistoryWriter, command: HistoryCommand & { writer: number }): Promise<void> {
    return command.kind === 'append' ? this.#append(writer, command) : this.#begin(writer);
  }

  async #begin(writer: HistoryWriter): Promise<void> {
    const { store, thread, run, token, startedAt, waitedMs } = writer;
    const start = this.#tick();
    const isFirst = writer.attempt === undefined;
    writer.attempt = await this.#again(() =>
      store.beginAttempt(thread, run, token, startedAt, performance.now() - waitedMs),
    );
    this.#begins.push({ writer, isFirst, start, end: this.#tick() });
  }

  async #append(writer: HistoryWriter, command: HistoryCommand & { kind: 'append' }): Promise<void> {
    const { store, attempt } = writer;
    if (attempt === undefined) throw new Error('A writer must begin before it appends.');
    const { firstIndex, events } = writer.makeEvents(command.offset, command.count, command.last);
    const start = this.#tick();
    const result = await this.#again(() => store.append(attempt, firstIndex, events));
    const known = this.#knownIndexes.get(writer) ?? 0;
    const newIndexes = events.map((_, index) => firstIndex + index).filter((index) => index >= known);
    if (result.status === 'kept') this.#knownIndexes.set(writer, Math.max(known, firstIndex + events.length));
    this.#appends.push({ writer, newIndexes, result, start, end: this.#tick() });
  }

  async #list(store: CallbackEventStore, thread: EventThread, options: ListOptions = {}) {
    const page = await this.#again(() => store.list(thread, options));
    expectLawfulPage(page, thread, options);
    for (const event of page.events) {
      const place = `${thread.threadId}|${event.sequence}`;
      this.#law(`the event at ${place} does not change`, isDeepStrictEqual(this.#seen.get(place) ?? event, event));
      this.#seen.set(place, event);
    }
    return page.events;
  }

  /** Reads the records of all runs of a thread, by correlation id. */
  async #readRuns(thread: EventThread): Promise<ReadonlyMap<string, RecordedRun>> {
    const runs = new Map<string, RecordedRun>();
    for (const id of [0, 1].map(runId)) {
      const run = await this.#stores.stores[0]?.readRun(thread, id);
      if (run !== undefined) runs.set(id, run);
    }
    return runs;
  }

  #law(text: string, isKept: boolean): void {
    if (!isKept) this.#broken.push(text);
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  async #again<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StorageError) || tries === MAX_TRIES) throw error;
      }
    }
  }
}

function isRun({ correlationId, requestMessage }: RecordedRun, number: number): boolean {
  const run = runOf(number);
  return correlationId === run.correlationId && requestMessage === run.requestMessage;
}

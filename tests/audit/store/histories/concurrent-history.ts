import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AppendResult } from '../../../../src/audit/domain/thread-changes.js';
import type { CallbackEventStore, ListOptions } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { RecordedRun } from '../../../../src/audit/domain/recorded-run.js';
import { runId, runOf } from '../../../support/callback-events.js';
import { expectLawfulPage } from '../contract/read-thread.js';
import type { HistoryCommand } from './history-commands.js';
import type { HistoryStores } from './history-stores.js';
import { HistoryWriter } from './history-writer.js';

/** The start and end of an action on a logical clock. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface Append extends Span {
  readonly writer: HistoryWriter;
  /** The indexes of events that were not known to be stored before. */
  readonly newIndexes: readonly number[];
  readonly result: AppendResult;
}

interface Begin extends Span {
  readonly writer: HistoryWriter;
  /** Whether the writer begins for the first time. Later begins change nothing unless the thread was cleared. */
  readonly isFirst: boolean;
}

interface Clear extends Span {
  readonly thread: EventThread;
}

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
    for (const thread of this.#threads) {
      const pages = await Promise.all(this.#stores.stores.map((store) => this.#list(store, thread)));
      const [events = []] = pages;
      this.#law(
        'all stores return the same events',
        pages.every((other) => isDeepStrictEqual(other, events)),
      );
      this.#expectOrder(events);
      this.#expectAcknowledgedEvents(thread, events);
      await this.#expectCounts(thread, events);
    }
    this.#expectSuperseded();
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

  /** Each event is stored once. Those of an attempt are in order, after those of earlier attempts. */
  #expectOrder(events: readonly StoredEvent[]): void {
    const lastIndexes = new Map<number, number>();
    const lastAttempts = new Map<string, number>();
    const writers = new Map<string, number>();
    for (const event of events) {
      const { writer, index } = nameOf(event);
      this.#law(`${writer}#${index} is in order`, index > (lastIndexes.get(writer) ?? -1));
      lastIndexes.set(writer, index);
      this.#law(
        `${writer}#${index} is after earlier attempts`,
        event.attempt >= (lastAttempts.get(event.correlationId) ?? 1),
      );
      lastAttempts.set(event.correlationId, event.attempt);
      const number = `${event.correlationId}|${event.attempt}`;
      this.#law(`attempt ${number} has only one writer`, (writers.get(number) ?? writer) === writer);
      writers.set(number, writer);
      const { correlationId } = this.#writers[writer]?.run ?? {};
      this.#law(`${writer}#${index} belongs to its run`, correlationId === event.correlationId);
    }
  }

  /** Accepted events are stored unless they were cleared. */
  #expectAcknowledgedEvents(thread: EventThread, events: readonly StoredEvent[]): void {
    const names = new Set(events.map(({ fields }) => textOf(fields)));
    const clears = this.#clears.filter((clear) => clear.thread === thread);
    for (const { writer, newIndexes, result, start, end } of this.#appends) {
      if (writer.thread !== thread || result.status !== 'kept') continue;
      if (clears.every((clear) => clear.end < start)) {
        for (const index of newIndexes) {
          const name = `${writer.number}#${index}`;
          this.#law(`${name} was acknowledged, so it is stored`, names.has(name));
        }
      }
      const isAgain = this.#appends.some((other) => other.writer === writer && other.end > end);
      if (!isAgain && clears.some((clear) => clear.start > end)) {
        for (const index of newIndexes) {
          const name = `${writer.number}#${index}`;
          this.#law(`${name} was cleared, so it is gone`, !names.has(name));
        }
      }
    }
  }

  /** Run records count the stored and missing events of each attempt. */
  async #expectCounts(thread: EventThread, events: readonly StoredEvent[]): Promise<void> {
    const wasCleared = this.#clears.some((clear) => clear.thread === thread);
    for (const id of [0, 1].map(runId)) {
      const run = await this.#stores.stores[0]?.readRun(thread, id);
      for (const { token, eventCount, lostEvents, lastSequence } of run?.attempts ?? []) {
        const own = events.filter((event) => event.correlationId === id && token === tokenOf(event));
        const last = own.at(-1);
        this.#law(`the run record has the last event of ${token}`, last?.sequence === lastSequence);
        this.#law(
          `the run record has the event count of ${token}`,
          last === undefined || nameOf(last).index === eventCount - 1,
        );
        const missing = eventCount - lostEvents - own.length;
        this.#law(
          `the run record has the number of events that ${token} lost`,
          wasCleared ? missing >= 0 : missing === 0,
        );
      }
    }
  }

  /** When the other attempts of a writer's run started. */
  #othersOf(writer: HistoryWriter): Begin[] {
    return this.#begins.filter(
      (begin) =>
        begin.writer !== writer &&
        begin.writer.thread === writer.thread &&
        begin.writer.run.correlationId === writer.run.correlationId,
    );
  }

  /**
   * An attempt cannot append after a later one has started. A late attempt cannot append after one that is not late has
   * started. Otherwise it can.
   */
  #expectSuperseded(): void {
    for (const { writer, result, start, end } of this.#appends) {
      const own = this.#begins.filter((begin) => begin.writer === writer);
      const ownStart = own[0]?.start ?? 0;
      const others = this.#othersOf(writer);
      const clears = this.#clears.filter((clear) => clear.thread === writer.thread);
      const isCertain = others.some((begin) => {
        const { isLate, number } = begin.writer;
        const isLater =
          isLate === writer.isLate && number > writer.number && own.every((mine) => mine.end < begin.start);
        const isYounger = !isLate && writer.isLate;
        const isKnown = clears.every((clear) => clear.end < begin.start || clear.start > end);
        return begin.isFirst && begin.end < start && isKnown && (isLater || isYounger);
      });
      // A clear discards attempts. An attempt that begins again after it counts as new.
      const hasReturned = others.some((begin) => !begin.isFirst && clears.some((clear) => clear.start < begin.end));
      const isSuperseded = result.status === 'superseded';
      this.#law(`writer ${writer.number} is superseded`, isSuperseded || !isCertain || hasReturned);
      // Of two attempts whose run was cleared, the one that continues first stays, unless the other has a higher
      // number. A late attempt never replaces one that is not late.
      const wasCleared = clears.some((clear) => clear.start < end);
      const isPossible = others.some(
        ({ start: begun, end: known, writer: { isLate } }) =>
          begun < end && (isLate === writer.isLate ? wasCleared || known > ownStart : !isLate),
      );
      this.#law(`writer ${writer.number} is superseded only by another attempt`, !isSuperseded || isPossible);
    }
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

function textOf(fields: string): string {
  const { text, response_text: answer }: { text?: string; response_text?: string } = JSON.parse(`{${fields}}`);
  return text ?? answer ?? '';
}

/** The attempt of an event, and its index. */
function nameOf({ fields }: StoredEvent): { readonly writer: number; readonly index: number } {
  const [writer, index] = textOf(fields).split('#').map(Number);
  if (writer === undefined || index === undefined)
    throw new Error(`This event does not belong to the history: ${fields}`);
  return { writer, index };
}

function tokenOf(event: StoredEvent): string {
  return `writer-${nameOf(event).writer}`;
}

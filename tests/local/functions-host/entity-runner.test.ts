import { describe, expect, test } from 'vitest';
import type { EntityJournal } from '../../../local/functions-host/durable/entity-journal.js';
import type { EntityOperation, EntityRecord } from '../../../local/functions-host/durable/entity-record.js';
import { EntityRunner } from '../../../local/functions-host/durable/entity-runner.js';
import { EntityStore } from '../../../local/functions-host/durable/entity-store.js';
import type { Invoke } from '../../../local/functions-host/invocation.js';

/** An in-memory journal whose disk can be full, for all entities or for one. */
class MemoryJournal implements EntityJournal {
  readonly found: readonly EntityRecord[];
  readonly records = new Map<string, EntityRecord>();
  isFull = false;
  fullFor: string | undefined;

  constructor(found: readonly EntityRecord[] = []) {
    this.found = found;
  }

  write(record: EntityRecord): void {
    if (this.isFull || record.id.key === this.fullFor) throw new Error('ENOSPC: no space left on device');
    this.records.set(record.id.key, record);
  }

  remove({ key }: { readonly key: string }): void {
    this.records.delete(key);
  }

  close(): void {}
}

const id = { name: 'list', key: 'a' };

/**
 * Entities `list`: each operation adds its name to the state. An operation `to KEY` also sends `sent` to that entity.
 * `beforeEnd` is called in the middle of each.
 */
function createRunner(journal: MemoryJournal, beforeEnd: () => Promise<void> | void = () => {}) {
  const log: string[] = [];
  const invoke: Invoke = async (_registered, { invocationId, inputs }) => {
    const { state, batch } = JSON.parse(inputs['context']?.string ?? '') as {
      state: string | null;
      batch: EntityOperation[];
    };
    await beforeEnd();
    const names = [...(JSON.parse(state ?? '[]') as string[]), ...batch.map(({ name }) => name)];
    const signals = batch.flatMap(({ name }) => {
      const [, key] = /^to (.*)$/.exec(name) ?? [];
      return key === undefined ? [] : [{ target: { name: 'List', key }, name: 'sent' }];
    });
    const json = JSON.stringify({ entityExists: true, entityState: JSON.stringify(names), signals });
    return { invocationId, outputData: [], returnValue: { json } };
  };
  const store = new EntityStore(journal);
  const registered = { metadata: { name: 'list', bindings: {} }, callback: () => undefined };
  const runner = new EntityRunner({
    functions: new Map([['list', { registered, triggerName: 'context' }]]),
    store,
    invoke,
    readInputs: () => ({}),
    maxBatchSize: 1,
    log: ({ level, message }) => log.push(`${level}: ${message}`),
  });
  const names = (key = id.key): unknown => JSON.parse(store.read({ ...id, key })?.text ?? 'null');
  return { runner, log, names };
}

/** Blocks callers until it is opened. */
class Gate {
  isReached = false;
  open = (): void => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  async pass(): Promise<void> {
    this.isReached = true;
    await this.#opened;
  }
}

describe('an entity runner with a journal', () => {
  test('keeps an operation in the journal from acceptance until its result replaces it', async () => {
    const journal = new MemoryJournal();
    const seen: unknown[] = [];
    const look = (): void => {
      const { operations = [], state } = journal.records.get('a') ?? {};
      seen.push([operations.map(({ name }) => name), state?.text]);
    };
    const { runner, names } = createRunner(journal, look);
    runner.signal(id, { name: 'one', input: null });
    look();
    runner.signal(id, { name: 'two', input: null });
    await expect.poll(() => names()).toEqual(['one', 'two']);
    look();
    expect(seen).toEqual([
      [['one'], undefined],
      [['one', 'two'], undefined],
      [['two'], '["one"]'],
      [[], '["one","two"]'],
    ]);
  });

  test('rejects operations that the journal cannot store', async () => {
    const journal = new MemoryJournal();
    const { runner, names } = createRunner(journal);
    journal.isFull = true;
    expect(() => runner.signal(id, { name: 'one', input: null })).toThrow('ENOSPC');
    journal.isFull = false;
    runner.signal(id, { name: 'two', input: null });
    await expect.poll(() => names()).toEqual(['two']);
  });

  test('never shows a state that the journal could not store, and repeats its operation with the next one', async () => {
    const journal = new MemoryJournal();
    let runs = 0;
    const { runner, log, names } = createRunner(journal, () => {
      runs += 1;
      journal.isFull = runs === 1;
    });
    runner.signal(id, { name: 'one', input: null });
    await expect.poll(() => log).toEqual([expect.stringMatching(/^error: .*@list@a could not be stored.*ENOSPC/)]);
    expect(names()).toBeNull();
    journal.isFull = false;
    runner.signal(id, { name: 'two', input: null });
    await expect.poll(() => names()).toEqual(['one', 'two']);
  });

  test('keeps a signal to another entity with the state of its sender until it is delivered', async () => {
    const journal = new MemoryJournal();
    const { runner, log, names } = createRunner(journal);
    journal.fullFor = 'b';
    runner.signal(id, { name: 'to b', input: null });
    await expect.poll(() => log).toEqual([expect.stringContaining('ENOSPC')]);
    const signals = [{ target: { name: 'List', key: 'b' }, operation: { name: 'sent', input: null } }];
    expect(journal.records.get('a')).toMatchObject({ state: { text: '["to b"]' }, operations: [], signals });

    const next = new MemoryJournal([...journal.records.values()]);
    const restarted = createRunner(next);
    restarted.runner.resume();
    await expect.poll(() => restarted.names('b')).toEqual(['sent']);
    expect(next.records.get('a')).toMatchObject({ operations: [], signals: [] });
    expect([names(), restarted.names()]).toEqual([['to b'], ['to b']]);
  });

  test('continues the operations of an earlier host, in order', async () => {
    const operations = ['two', 'three'].map((name) => ({ name, input: null }));
    const state = { id, text: '["one"]', lastOperationTime: new Date(0) };
    const sender = { name: 'sender', key: 'b' };
    const signals = [{ target: { name: 'List', key: 'a' }, operation: { name: 'four', input: null } }];
    const journal = new MemoryJournal([
      { id, state, operations, signals: [] },
      { id: sender, state: undefined, operations: [], signals },
      { id: { name: 'gone', key: 'c' }, state: undefined, operations, signals: [] },
    ]);
    const { runner, log, names } = createRunner(journal);
    expect(names()).toEqual(['one']);
    runner.resume();
    await expect.poll(() => names()).toEqual(['one', 'two', 'three', 'four']);
    expect(log).toEqual(['error: 2 operation(s) of @gone@c are waiting: the app has no such entity function.']);
  });

  test('keeps waiting operations when it is stopped', async () => {
    const journal = new MemoryJournal();
    const gate = new Gate();
    const { runner, log, names } = createRunner(journal, () => gate.pass());
    runner.signal(id, { name: 'one', input: null });
    runner.signal(id, { name: 'two', input: null });
    await expect.poll(() => gate.isReached).toBe(true);
    const stopped = runner.stop(60_000);
    gate.open();
    await stopped;
    await expect
      .poll(() => log.at(-1))
      .toBe('information: 1 operation(s) of @list@a were still waiting and are kept for the next start.');
    expect(names()).toEqual(['one']);
    runner.close();
    expect(() => runner.signal(id, { name: 'three', input: null })).toThrow('is closed');
    expect(journal.records.get('a')?.operations).toEqual([{ name: 'two', input: null }]);
  });

  test('leaves an operation that does not end in time to the next host, even if it ends later', async () => {
    const journal = new MemoryJournal();
    const gate = new Gate();
    const { runner, log, names } = createRunner(journal, () => gate.pass());
    runner.signal(id, { name: 'one', input: null });
    await expect.poll(() => gate.isReached).toBe(true);
    await runner.stop(1);
    expect(log).toEqual([
      'error: 1 running entity operation(s) did not finish in time: they run again at the next start.',
    ]);
    expect(() => runner.signal(id, { name: 'two', input: null })).toThrow('is closed');
    // The app closes its resources now. The interrupted operation may fail because of that, so its state is not stored.
    gate.open();
    await runner.stop(1000);
    expect(names()).toBeNull();
    expect(journal.records.get('a')?.operations).toEqual([{ name: 'one', input: null, deliveries: 1 }]);
  });
});

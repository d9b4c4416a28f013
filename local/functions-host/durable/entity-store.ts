import { toInstanceId, type EntityId } from './entity-id.js';
import type { EntityJournal } from './entity-journal.js';
import type { EntityOperation, EntityRecord, EntitySignal, EntityState } from './entity-record.js';

/** The result of a batch of operations. */
export interface BatchResult {
  /** Number of operations in the batch, which are the entity's oldest. */
  readonly operationCount: number;
  /** Undefined for an entity that does not exist, or no longer exists. */
  readonly state: EntityState | undefined;
  readonly signals: readonly EntitySignal[];
}

/**
 * The entities of one task hub. Changes of an entity are atomic. With a journal, a change is stored before it is visible,
 * and a change that cannot be stored throws and has no effect.
 */
export class EntityStore {
  readonly #records = new Map<string, EntityRecord>();
  readonly #journal: EntityJournal | undefined;

  /** @param journal - if undefined, everything is in memory */
  constructor(journal?: EntityJournal) {
    this.#journal = journal;
    for (const record of journal?.found ?? []) this.#records.set(toInstanceId(record.id), record);
  }

  /** Whether the entities survive the process. */
  get isKept(): boolean {
    return this.#journal !== undefined;
  }

  read(id: EntityId): EntityState | undefined {
    return this.#records.get(toInstanceId(id))?.state;
  }

  /** Returns the states of all entities whose instance id starts with `prefix`, ordered by instance id. */
  list(prefix: string): EntityState[] {
    const ids = [...this.#records.keys()].filter((id) => id.startsWith(prefix)).toSorted(compareOrdinal);
    return ids.flatMap((id) => this.#records.get(id)?.state ?? []);
  }

  /** Returns the unfinished operations of an entity in order of arrival. */
  operations(id: EntityId): readonly EntityOperation[] {
    return this.#find(id).operations;
  }

  /** Returns the entities with unfinished operations or undelivered signals. */
  unfinished(): EntityRecord[] {
    return [...this.#records.values()].filter(({ operations, signals }) => operations.length + signals.length > 0);
  }

  /** Stores an operation until its batch has finished. */
  accept(id: EntityId, operation: EntityOperation): void {
    const record = this.#find(id);
    this.#replace({ ...record, operations: [...record.operations, operation] });
  }

  /** Returns the oldest operations of an entity for a call of its function, and counts the call. */
  beginBatch(id: EntityId, maxSize: number): readonly EntityOperation[] {
    const record = this.#find(id);
    const batch = record.operations
      .slice(0, maxSize)
      .map((operation) => ({ ...operation, deliveries: (operation.deliveries ?? 0) + 1 }));
    this.#replace({ ...record, operations: [...batch, ...record.operations.slice(maxSize)] });
    return batch;
  }

  /** Replaces the operations of a batch with its result. */
  endBatch(id: EntityId, { operationCount, state, signals }: BatchResult): void {
    const record = this.#find(id);
    this.#replace({
      id: record.id,
      state,
      operations: record.operations.slice(operationCount),
      signals: [...record.signals, ...signals],
    });
  }

  /** Returns the signals of an entity that their targets may not have accepted yet. */
  signals(id: EntityId): readonly EntitySignal[] {
    return this.#find(id).signals;
  }

  /** Deletes the signals of an entity after their targets have accepted them. */
  forgetSignals(id: EntityId): void {
    const record = this.#find(id);
    if (record.signals.length > 0) this.#replace({ ...record, signals: [] });
  }

  #find(id: EntityId): EntityRecord {
    return this.#records.get(toInstanceId(id)) ?? { id, state: undefined, operations: [], signals: [] };
  }

  #replace(record: EntityRecord): void {
    const { id, state, operations, signals } = record;
    if (state === undefined && operations.length + signals.length === 0) {
      this.#journal?.remove(id);
      this.#records.delete(toInstanceId(id));
    } else {
      this.#journal?.write(record);
      this.#records.set(toInstanceId(id), record);
    }
  }
}

function compareOrdinal(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

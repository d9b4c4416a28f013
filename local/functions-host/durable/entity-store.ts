import { toInstanceId, type EntityId } from './entity-id.js';
import type { EntityJournal } from './entity-journal.js';
import type { EntityOperation, EntityRecord, EntitySignal, EntityState } from './entity-record.js';

/** How a batch of operations has ended. */
export interface BatchResult {
  /** Of the operations that came first. */
  readonly operationCount: number;
  /** Undefined for an entity that does not exist, or no longer. */
  readonly state: EntityState | undefined;
  readonly signals: readonly EntitySignal[];
}

/**
 * The entities of one task hub. Each change of an entity takes effect as a whole: with a journal it is there before it
 * can be read, and a change that the journal cannot take throws and changes nothing.
 */
export class EntityStore {
  readonly #records = new Map<string, EntityRecord>();
  readonly #journal: EntityJournal | undefined;

  /** @param journal - absent: everything ends with the process. */
  constructor(journal?: EntityJournal) {
    this.#journal = journal;
    for (const record of journal?.found ?? []) this.#records.set(toInstanceId(record.id), record);
  }

  /** Whether what it holds outlives the process. */
  get isKept(): boolean {
    return this.#journal !== undefined;
  }

  read(id: EntityId): EntityState | undefined {
    return this.#records.get(toInstanceId(id))?.state;
  }

  /** States of all entities whose instance id begins with `prefix`, in the order of their instance ids. */
  list(prefix: string): EntityState[] {
    const ids = [...this.#records.keys()].filter((id) => id.startsWith(prefix)).toSorted(compareOrdinal);
    return ids.flatMap((id) => this.#records.get(id)?.state ?? []);
  }

  /** Operations of an entity that have not ended, in the order of their arrival. */
  operations(id: EntityId): readonly EntityOperation[] {
    return this.#find(id).operations;
  }

  /** Entities that have something left to do. */
  unfinished(): EntityRecord[] {
    return [...this.#records.values()].filter(({ operations, signals }) => operations.length + signals.length > 0);
  }

  /** Takes an operation on: from now on it is there until its batch has ended. */
  accept(id: EntityId, operation: EntityOperation): void {
    const record = this.#find(id);
    this.#replace({ ...record, operations: [...record.operations, operation] });
  }

  /** Takes the first operations of an entity for a call of its function, and counts the call. */
  beginBatch(id: EntityId, maxSize: number): readonly EntityOperation[] {
    const record = this.#find(id);
    const batch = record.operations
      .slice(0, maxSize)
      .map((operation) => ({ ...operation, deliveries: (operation.deliveries ?? 0) + 1 }));
    this.#replace({ ...record, operations: [...batch, ...record.operations.slice(maxSize)] });
    return batch;
  }

  /** Puts the result of a batch in the place of its operations. */
  endBatch(id: EntityId, { operationCount, state, signals }: BatchResult): void {
    const record = this.#find(id);
    this.#replace({
      id: record.id,
      state,
      operations: record.operations.slice(operationCount),
      signals: [...record.signals, ...signals],
    });
  }

  /** Signals that an entity has sent, and that their targets may not know of yet. */
  signals(id: EntityId): readonly EntitySignal[] {
    return this.#find(id).signals;
  }

  /** Forgets the signals of an entity: their targets have accepted them. */
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

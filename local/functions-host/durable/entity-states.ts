import { toInstanceId, type EntityId } from './entity-id.js';

/** The state of an entity that exists, as of the end of its last batch of operations. */
export interface EntityState {
  readonly id: EntityId;
  /** JSON text as the entity set it; undefined for an entity that exists without a state. */
  readonly text: string | undefined;
  readonly lastOperationTime: Date;
}

/** The states of one task hub, in memory. */
export class EntityStates {
  readonly #states = new Map<string, EntityState>();

  read(id: EntityId): EntityState | undefined {
    return this.#states.get(toInstanceId(id));
  }

  write(state: EntityState): void {
    this.#states.set(toInstanceId(state.id), state);
  }

  remove(id: EntityId): void {
    this.#states.delete(toInstanceId(id));
  }

  /** States of all entities whose instance id begins with `prefix`, in the order of their instance ids. */
  list(prefix: string): EntityState[] {
    const ids = [...this.#states.keys()].filter((id) => id.startsWith(prefix)).toSorted(compareOrdinal);
    return ids.flatMap((id) => this.#states.get(id) ?? []);
  }
}

function compareOrdinal(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

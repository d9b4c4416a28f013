import type { EntityId } from './entity-id.js';

/** A signal sent to an entity. */
export interface EntityOperation {
  readonly name: string;
  /** JSON text, or null without an input. */
  readonly input: string | null;
  /** Number of calls of the entity function with it. Undefined before the first call. */
  readonly deliveries?: number;
}

/** A signal from one entity to another, or to itself. */
export interface EntitySignal {
  readonly target: EntityId;
  readonly operation: EntityOperation;
}

/** State of an existing entity after its last batch of operations. */
export interface EntityState {
  readonly id: EntityId;
  /** JSON text as set by the entity. Undefined for an entity without a state. */
  readonly text: string | undefined;
  readonly lastOperationTime: Date;
}

/** Everything that a task hub stores about an entity. */
export interface EntityRecord {
  readonly id: EntityId;
  /** Undefined for an entity that does not exist. */
  readonly state: EntityState | undefined;
  /** Accepted, unfinished operations in order of arrival. Those of a running batch come first. */
  readonly operations: readonly EntityOperation[];
  /** Signals sent by finished batches that their targets may not have accepted yet. */
  readonly signals: readonly EntitySignal[];
}

import type { EntityId } from './entity-id.js';

/** A signal on its way to an entity. */
export interface EntityOperation {
  readonly name: string;
  /** JSON text; null without an input. */
  readonly input: string | null;
  /** How often the entity function was called with it. Undefined before the first call. */
  readonly deliveries?: number;
}

/** An operation that one entity sends to another one, or to itself. */
export interface EntitySignal {
  readonly target: EntityId;
  readonly operation: EntityOperation;
}

/** The state of an entity that exists, as of the end of its last batch of operations. */
export interface EntityState {
  readonly id: EntityId;
  /** JSON text as the entity set it; undefined for an entity that exists without a state. */
  readonly text: string | undefined;
  readonly lastOperationTime: Date;
}

/** What a task hub knows of one entity. */
export interface EntityRecord {
  readonly id: EntityId;
  /** Undefined for an entity that does not exist. */
  readonly state: EntityState | undefined;
  /** Accepted, and not known to have ended: in the order of their arrival. Those of a running batch are the first. */
  readonly operations: readonly EntityOperation[];
  /** Sent by batches that have ended, and not known to be accepted by their targets yet. */
  readonly signals: readonly EntitySignal[];
}

/** Identifies an entity. Names are case-insensitive and stored in lower case; keys are case-sensitive. */
export interface EntityId {
  readonly name: string;
  readonly key: string;
}

const maxInstanceIdLength = 512;

/** Returns the id of an entity in the task hub, under which its state is stored and by which lists are ordered. */
export function toInstanceId({ name, key }: EntityId): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** Returns whether the real host can store the entity's state. If not, it still accepts and runs operations. */
export function canBeStored(id: EntityId): boolean {
  return toInstanceId(id).length <= maxInstanceIdLength;
}

/** Returns whether the durable HTTP API accepts signals to an entity with this key. */
export function isValidKey(key: string): boolean {
  return !/[/\\#?\p{Cc}]/u.test(key);
}
